-- Reports whether the database :database can be dropped, and drops it if :drops says so. That pgbind created it for a
-- namespace is in its comment, which only its owner can write: the owner is an administrator. Sessions and bindings of
-- others keep it. What belongs to the binding of :claim does not count.
SELECT pg_catalog.pg_advisory_lock(pg_catalog.hashtextextended('pgbind', 0)) AS ignored \gset
SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_database d WHERE d.datname = :'database') AS is_gone,
       NOT EXISTS (SELECT FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles o ON o.oid = d.datdba
                   WHERE d.datname = :'database' AND pg_catalog.starts_with(pg_catalog.shobj_description(d.oid, 'pg_database'), :'database_claim')
                     AND (o.rolsuper OR o.rolname = current_user)) AS is_foreign \gset
WITH base AS (
  SELECT d.oid, d.datacl FROM pg_catalog.pg_database d WHERE d.datname = :'database'
), binding AS (
  SELECT r.oid, r.rolname, pg_catalog.starts_with(pg_catalog.shobj_description(r.oid, 'pg_authid'), :'claim') AS is_own
  FROM pg_catalog.pg_roles r WHERE pg_catalog.starts_with(pg_catalog.shobj_description(r.oid, 'pg_authid'), 'pgbind/v1 id=')
), used AS (
  SELECT pg_catalog.format('role %I of another binding', b.rolname) AS text
  FROM binding b, base d
  WHERE NOT b.is_own
    AND (EXISTS (SELECT FROM pg_catalog.pg_db_role_setting s WHERE s.setrole = b.oid AND s.setdatabase = d.oid)
         OR EXISTS (SELECT FROM pg_catalog.aclexplode(d.datacl) a JOIN pg_catalog.pg_auth_members m ON m.roleid = a.grantee WHERE m.member = b.oid))
  UNION
  SELECT pg_catalog.format('a session of %s%s', a.usename, ' (' || nullif(a.application_name, '') || ')')
  FROM pg_catalog.pg_stat_activity a JOIN base d ON d.oid = a.datid
  WHERE a.backend_type = 'client backend' AND NOT EXISTS (SELECT FROM binding b WHERE b.oid = a.usesysid AND b.is_own AND NOT :'drops'::bool)
)
SELECT coalesce(pg_catalog.json_agg(u.text ORDER BY u.text), '[]') AS users, pg_catalog.count(*) > 0 AS is_used FROM (SELECT * FROM used ORDER BY text LIMIT 10) u \gset
SELECT 'pgbind ' || pg_catalog.json_build_object('database', pg_catalog.json_build_object('gone', :'is_gone'::bool, 'foreign', :'is_foreign'::bool, 'users', :'users'::json));
SELECT :'drops'::bool AND NOT (:'is_gone'::bool OR :'is_foreign'::bool OR :'is_used'::bool) AS goes \gset
\if :goes
-- Without FORCE: a session that started meanwhile prevents the drop.
DROP DATABASE :"database";
SELECT 'pgbind ' || pg_catalog.json_build_object('did', pg_catalog.format('DROP DATABASE %I', :'database'));
\endif
