-- way: run DDL so that the SECURITY DEFINER function of a superuser's event trigger calls an overload of the application
-- source: write-up: managed PostgreSQL, event triggers that run as the superuser (2022)
-- control: the function of the event trigger has no search_path of its own
-- section: setup
CREATE SCHEMA ops;
CREATE TABLE ops.ddl (command text);
CREATE FUNCTION ops.audit() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ DECLARE tag varchar := tg_tag; BEGIN PERFORM lower(tag); END $$;
CREATE EVENT TRIGGER audit ON ddl_command_end EXECUTE FUNCTION ops.audit();
-- section: application
CREATE FUNCTION shop.lower(varchar) RETURNS text LANGUAGE plpgsql AS :'note';
CREATE FUNCTION pg_temp.lower(varchar) RETURNS text LANGUAGE plpgsql AS :'note';
SET search_path = shop, pg_temp, pg_catalog;
CREATE TEMP TABLE a (id int);
CREATE TABLE shop.b (id int);
DROP TABLE b;
ALTER EVENT TRIGGER audit DISABLE;
DROP EVENT TRIGGER audit;
SET event_triggers = off;
-- section: control
ALTER FUNCTION ops.audit() RESET search_path;
