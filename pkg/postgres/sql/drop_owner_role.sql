-- Drops the owner role of the binding if it owns nothing and has no grants.
SELECT pg_catalog.format('DROP ROLE %I', r.rolname), pg_catalog.format('SELECT %L', 'pgbind ' || pg_catalog.json_build_object('did', pg_catalog.format('DROP ROLE %I', r.rolname)))
FROM pg_catalog.pg_roles r
WHERE r.rolname = :'owner_role' AND NOT r.rolcanlogin AND pg_catalog.starts_with(pg_catalog.shobj_description(r.oid, 'pg_authid'), :'owner_claim')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_shdepend s WHERE s.refclassid = 'pg_catalog.pg_authid'::regclass AND s.refobjid = r.oid) \gexec
