-- way: have a superuser's SECURITY DEFINER function call an overload of the application instead of PostgreSQL's function
-- source: CVE-2018-1058
-- control: the superuser's function has no search_path of its own
-- section: setup
CREATE FUNCTION public.clean(name varchar) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ BEGIN RETURN lower(name); END $$;
-- section: application
CREATE FUNCTION shop.lower(varchar) RETURNS text LANGUAGE plpgsql AS :'note';
CREATE FUNCTION pg_temp.lower(varchar) RETURNS text LANGUAGE plpgsql AS :'note';
SET search_path = shop, public;
SELECT public.clean('X');
SET search_path = pg_temp, shop, public;
SELECT public.clean('X');
SET search_path = shop, pg_catalog;
SELECT public.clean('X');
-- section: control
ALTER FUNCTION public.clean(varchar) RESET search_path;
