-- way: have a superuser's SECURITY DEFINER function use an operator of the application
-- source: CVE-2018-1058
-- control: the bound schema comes first in the search_path of the superuser's function
-- section: setup
CREATE FUNCTION public.same(a int, b int) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ BEGIN RETURN a = b; END $$;
-- section: application
CREATE FUNCTION shop.equal(int, int) RETURNS boolean LANGUAGE plpgsql AS :'note';
CREATE OPERATOR shop.= (FUNCTION = shop.equal, LEFTARG = int, RIGHTARG = int);
CREATE FUNCTION pg_temp.equal(int, int) RETURNS boolean LANGUAGE plpgsql AS :'note';
CREATE OPERATOR pg_temp.= (FUNCTION = pg_temp.equal, LEFTARG = int, RIGHTARG = int);
SET search_path = shop, pg_catalog;
SELECT public.same(1, 2);
SET search_path = pg_temp, pg_catalog;
SELECT public.same(1, 2);
-- section: control
ALTER FUNCTION public.same(int, int) SET search_path = shop, pg_catalog;
