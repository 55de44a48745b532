-- way: create in the schema public what a superuser's SECURITY DEFINER function finds there
-- source: CVE-2018-1058
-- control: CREATE on the schema public
-- section: setup
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
CREATE FUNCTION ext.clean(name varchar) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
  AS $$ BEGIN RETURN lower(name); END $$;
-- section: application
CREATE FUNCTION public.lower(varchar) RETURNS text LANGUAGE plpgsql AS :'note';
CREATE FUNCTION shop.lower(varchar) RETURNS text LANGUAGE plpgsql AS :'note';
ALTER FUNCTION shop.lower(varchar) SET SCHEMA public;
SELECT ext.clean('X');
-- section: control
GRANT CREATE ON SCHEMA public TO :"access";
