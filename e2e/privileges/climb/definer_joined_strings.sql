-- way: quote a name so that a superuser's SECURITY DEFINER function runs what is in it
-- source: CVE-2023-39417
-- control: the superuser's function joins strings instead of quoting names
-- section: setup
CREATE SCHEMA ops;
GRANT USAGE ON SCHEMA ops TO PUBLIC;
CREATE FUNCTION ops.describe(name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ BEGIN EXECUTE format('COMMENT ON SCHEMA %I IS %L', name, 'described'); END $$;
-- section: application
CREATE SCHEMA "a$b""c'd;e\f";
SELECT ops.describe($$shop" IS 'x'; CREATE TABLE public.climbed (); COMMENT ON SCHEMA "shop$$);
SELECT ops.describe($$shop IS 'x'; GRANT pg_read_all_settings TO PUBLIC; --$$);
SELECT ops.describe(format($$shop IS 'x'; ALTER ROLE %I SUPERUSER; --$$, session_user));
SELECT ops.describe($$a$b"c'd;e\f$$);
CREATE EXTENSION cube SCHEMA "a$b""c'd;e\f";
-- section: control
CREATE OR REPLACE FUNCTION ops.describe(name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ BEGIN EXECUTE 'COMMENT ON SCHEMA ' || name || ' IS ''described'''; END $$;
