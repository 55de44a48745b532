-- Refuses a new isolated access role in a schema where other roles than administrators can create objects: these
-- objects can run as the application.
SELECT :'isolated'::bool AND :'absent'::bool AS asks \gset
\if :asks
WITH space AS (
  SELECT n.oid, n.nspname, n.nspowner, n.nspacl FROM pg_catalog.json_to_recordset(:'schemas') AS s(name name, key text) JOIN pg_catalog.pg_namespace n ON n.nspname = s.name
), creator AS (
  SELECT s.nspname, s.nspowner AS oid FROM space s
  UNION
  SELECT s.nspname, a.grantee FROM space s CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(s.nspacl, pg_catalog.acldefault('n', s.nspowner))) a WHERE a.privilege_type = 'CREATE'
), other AS (
  SELECT c.nspname, coalesce(r.rolname, 'PUBLIC') AS name
  FROM creator c LEFT JOIN pg_catalog.pg_roles r ON r.oid = c.oid
  -- Only the database's owner is a member of pg_database_owner.
  LEFT JOIN pg_catalog.pg_database d ON r.rolname = 'pg_database_owner' AND d.datname = pg_catalog.current_database()
  LEFT JOIN pg_catalog.pg_roles o ON o.oid = coalesce(d.datdba, r.oid)
  WHERE c.oid = 0 OR NOT (o.rolsuper OR o.rolcreaterole OR o.rolname = current_user)
)
SELECT coalesce((SELECT pg_catalog.json_agg(pg_catalog.json_build_object('schema', o.nspname, 'role', o.name)) FROM (SELECT * FROM other ORDER BY nspname, name LIMIT 10) o), '[]') AS creators,
       EXISTS (SELECT FROM other) AS is_shared, EXISTS (SELECT FROM other) AND NOT :'shares'::bool AS refuses \gset
\if :is_shared
SELECT 'pgbind ' || pg_catalog.json_build_object('creators', :'creators'::json, 'shared', :'refuses'::bool);
\endif
\if :refuses
\quit
\endif
\endif
