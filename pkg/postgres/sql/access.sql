\if :absent
CREATE ROLE :"access" NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
SELECT 'pgbind ' || pg_catalog.json_build_object('did', pg_catalog.format('CREATE ROLE %I NOLOGIN', :'access'));
\endif
SELECT pg_catalog.format('COMMENT ON ROLE %I IS %L', :'access', :'access_mark') WHERE NOT :'ours'::bool \gexec
