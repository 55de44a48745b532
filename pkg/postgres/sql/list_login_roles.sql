-- Reports how many connections the server has for roles that are not superusers, every login role with the comment of a
-- binding, of any namespace, and the roles :names with or without one.
SELECT 'pgbind ' || pg_catalog.json_build_object('connections', pg_catalog.current_setting('max_connections')::int
         - pg_catalog.current_setting('superuser_reserved_connections')::int - coalesce(pg_catalog.current_setting('reserved_connections', true)::int, 0));
WITH used AS (
  SELECT a.usesysid AS role, pg_catalog.count(*) AS sessions FROM pg_catalog.pg_stat_activity a GROUP BY a.usesysid
), setting AS (
  SELECT s.setrole AS role, pg_catalog.json_object_agg(d.datname, s.setconfig) AS settings
  FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase GROUP BY s.setrole
)
SELECT 'pgbind ' || pg_catalog.json_build_object('role', pg_catalog.json_build_object(
           'name', r.rolname, 'mark', d.mark, 'canLogin', r.rolcanlogin,
           'privileged', r.oid < 16384 OR r.rolname ~ '^pg_' OR r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls,
           'validUntil', CASE WHEN pg_catalog.isfinite(r.rolvaliduntil) THEN r.rolvaliduntil END,
           'connectionLimit', r.rolconnlimit, 'sessions', coalesce(u.sessions, 0), 'settings', g.settings,
           'expired', coalesce(r.rolvaliduntil <= pg_catalog.now(), false),
           'memberOf', (SELECT pg_catalog.json_agg(o.rolname ORDER BY o.rolname) FROM pg_catalog.pg_auth_members m
                        JOIN pg_catalog.pg_roles o ON o.oid = m.roleid WHERE m.member = r.oid)))
FROM pg_catalog.pg_roles r LEFT JOIN used u ON u.role = r.oid LEFT JOIN setting g ON g.role = r.oid
CROSS JOIN LATERAL (SELECT pg_catalog.shobj_description(r.oid, 'pg_authid') AS mark) d
WHERE pg_catalog.starts_with(d.mark, 'pgbind/v1 id=') OR r.rolname IN (SELECT pg_catalog.json_array_elements_text(:'names'));
SELECT 'pgbind ' || pg_catalog.json_build_object('databases', pg_catalog.json_agg(d.datname)) FROM pg_catalog.pg_database d;
