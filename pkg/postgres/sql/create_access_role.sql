\if :absent
CREATE ROLE :"access";
SELECT 'pgbind ' || pg_catalog.json_build_object('did', pg_catalog.format('CREATE ROLE %I NOLOGIN', :'access'));
\endif
-- The comments of earlier versions do not contain that a role is isolated.
SELECT NOT :'ours'::bool OR pg_catalog.strpos(:'access_mark', ' isolated=true ') > 0
       AND pg_catalog.strpos(pg_catalog.shobj_description(r.oid, 'pg_authid'), ' isolated=true ') = 0 AS unmarked
FROM pg_catalog.pg_roles r WHERE r.rolname = :'access' \gset
\if :unmarked
COMMENT ON ROLE :"access" IS :'access_mark';
\endif
