-- Reports the role :subject, if :kin is true also the roles whose comment begins with :claim, and the databases in
-- which one of them owns something or has grants.
WITH held AS (
  SELECT r.oid, r.rolname FROM pg_catalog.pg_roles r
  LEFT JOIN pg_catalog.pg_shdescription d ON d.objoid = r.oid AND d.classoid = 'pg_catalog.pg_authid'::regclass
  WHERE r.rolname = :'subject' OR :'kin'::bool AND pg_catalog.starts_with(d.description, :'claim')
), database AS (
  SELECT DISTINCT d.datname AS name, d.datallowconn AS open
  FROM pg_catalog.pg_shdepend s
  JOIN held ON held.oid = s.refobjid AND s.refclassid = 'pg_catalog.pg_authid'::regclass
  JOIN pg_catalog.pg_database d ON d.oid = s.dbid
)
SELECT 'pgbind ' || pg_catalog.json_build_object('held', pg_catalog.json_build_object(
           'roles', (SELECT pg_catalog.json_agg(h.rolname ORDER BY h.rolname) FROM held h),
           'databases', (SELECT pg_catalog.jsonb_agg(d ORDER BY d.name) FROM database d)));
