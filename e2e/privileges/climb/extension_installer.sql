-- way: prepare functions for the step that a managed service runs as superuser after CREATE EXTENSION
-- source: write-up: managed PostgreSQL, scripts that run after CREATE EXTENSION (2022)
-- control: EXECUTE on the superuser's installer
-- section: setup
CREATE SCHEMA ops;
GRANT USAGE ON SCHEMA ops TO PUBLIC;
CREATE FUNCTION ops.install(name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
  EXECUTE format('CREATE EXTENSION IF NOT EXISTS %I SCHEMA ext', name);
  PERFORM set_limit(0.3);
END $$;
REVOKE EXECUTE ON FUNCTION ops.install(text) FROM PUBLIC;
-- section: application
CREATE FUNCTION shop.set_limit(numeric) RETURNS real LANGUAGE plpgsql AS :'note';
CREATE FUNCTION pg_temp.set_limit(numeric) RETURNS real LANGUAGE plpgsql AS :'note';
SET search_path = shop, ext;
SELECT ops.install('pg_trgm');
SELECT ops.install('file_fdw');
-- section: control
GRANT EXECUTE ON FUNCTION ops.install(text) TO :"access";
