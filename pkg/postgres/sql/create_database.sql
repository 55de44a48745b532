-- Creates the database :database, unless it exists: an existing one is used as it is. CREATE DATABASE runs in no
-- transaction, and a killed run must not leave a database that is not complete. It is therefore a draft first, and
-- accepts no connections. One transaction gives it its name, its comment and its privileges. The lock ends with the
-- session.
SELECT pg_catalog.pg_advisory_lock(pg_catalog.hashtextextended('pgbind', 0)) AS ignored \gset
SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_database d WHERE d.datname = :'database') AS is_missing \gset
\if :is_missing
-- The copy takes time, and so does the checkpoint before it on servers before 15.
SET statement_timeout = '240s';
SELECT pg_catalog.format('CREATE DATABASE %I TEMPLATE %I ENCODING ''UTF8''%s ALLOW_CONNECTIONS false', :'draft', :'template', ' LOCALE ' || pg_catalog.quote_literal(nullif(:'locale', '')))
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_database d WHERE d.datname = :'draft') \gexec
-- Another role that can create databases can have created this one.
SELECT r.rolname <> current_user AS is_foreign, r.rolname AS holder
FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles r ON r.oid = d.datdba WHERE d.datname = :'draft' \gset
\if :is_foreign
SELECT 'pgbind ' || pg_catalog.json_build_object('foreignDatabase', pg_catalog.json_build_object('database', :'draft', 'role', :'holder'));
\quit
\endif
BEGIN;
ALTER DATABASE :"draft" RENAME TO :"database";
ALTER DATABASE :"database" ALLOW_CONNECTIONS true;
REVOKE CONNECT, TEMPORARY ON DATABASE :"database" FROM PUBLIC;
COMMENT ON DATABASE :"database" IS :'database_mark';
COMMIT;
SELECT 'pgbind ' || pg_catalog.json_build_object('did', pg_catalog.format('CREATE DATABASE %I TEMPLATE %I ENCODING ''UTF8''%s', :'database', :'template', ' LOCALE ' || pg_catalog.quote_literal(nullif(:'locale', ''))));
SELECT 'pgbind ' || pg_catalog.json_build_object('did', pg_catalog.format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC', :'database'));
\else
-- Another session created the database while this run was creating it.
SELECT pg_catalog.format('DROP DATABASE %I', d.datname)
FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles r ON r.oid = d.datdba
WHERE d.datname = :'draft' AND r.rolname = current_user AND NOT d.datallowconn \gexec
\endif
