-- Reads from the comment of the access role of the login role :former what it grants: sets :access, :level, :schemas
-- and :grantees. The comment contains digests of the database and of each schema. If a schema is not found by its name,
-- :grantees is empty. :is_new is true if the session has not handled this access role yet; :seen collects those it has
-- handled.
\if :{?seen}
\else
\set seen '[]'
\endif
WITH mark AS (
  SELECT r.rolname, pg_catalog.shobj_description(r.oid, 'pg_authid') AS text
  FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles r ON r.oid = m.roleid
  WHERE m.member = (SELECT l.oid FROM pg_catalog.pg_roles l WHERE l.rolname = :'former') AND r.oid >= 16384
    AND pg_catalog.starts_with(pg_catalog.shobj_description(r.oid, 'pg_authid'), 'pgbind/v1 access=')
    AND NOT (r.rolcanlogin OR r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls)
  ORDER BY r.rolname LIMIT 1
), access AS (
  SELECT m.rolname, pg_catalog.substr(pg_catalog.split_part(m.text, ' ', 2), 8) AS level,
         pg_catalog.string_to_array(pg_catalog.substr(pg_catalog.split_part(m.text, ' ', 3), 4), ',') AS keys
  FROM mark m
), digest AS (
  -- The first ten characters of the base32 encoding are the first 50 bits.
  SELECT n.nspname, ('x' || pg_catalog.substr(pg_catalog.encode(pg_catalog.sha256(
           pg_catalog.textsend(pg_catalog.current_database()::text) || '\x00'::bytea || pg_catalog.textsend(n.nspname::text)), 'hex'), 1, 16))::pg_catalog.bit(64)::bigint AS bits
  FROM pg_catalog.pg_namespace n
), space AS (
  SELECT d.nspname AS name, pg_catalog.string_agg(pg_catalog.substr('abcdefghijklmnopqrstuvwxyz234567', 1 + (d.bits >> 59 - 5 * s.place & 31)::int, 1), '' ORDER BY s.place) AS key
  FROM digest d CROSS JOIN pg_catalog.generate_series(0, 9) AS s(place) GROUP BY d.nspname
), found AS (
  SELECT a.rolname, a.level, pg_catalog.json_agg(pg_catalog.json_build_object('name', s.name, 'key', s.key)) AS schemas
  FROM access a JOIN space s ON s.key = ANY (a.keys) GROUP BY a.rolname, a.level, a.keys HAVING pg_catalog.count(*) = pg_catalog.cardinality(a.keys)
)
SELECT coalesce(pg_catalog.min(f.rolname), '') AS access, coalesce(pg_catalog.min(f.level), '') AS level, coalesce(pg_catalog.min(f.schemas::text), '[]') AS schemas,
       coalesce(pg_catalog.json_agg(f.rolname), '[]') AS grantees,
       coalesce(pg_catalog.bool_or(NOT :'seen'::jsonb ? f.rolname::text), false) AS is_new,
       :'seen'::jsonb || coalesce(pg_catalog.jsonb_agg(f.rolname), '[]') AS seen
FROM found f \gset
