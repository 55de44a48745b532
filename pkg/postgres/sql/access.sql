\if :absent
CREATE ROLE :"access" NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
SELECT 'pgbind ' || pg_catalog.json_build_object('did', pg_catalog.format('CREATE ROLE %I NOLOGIN', :'access'));
\endif
\if :ours
\else
COMMENT ON ROLE :"access" IS :'access_mark';
\endif
