-- way: make an event trigger, which runs as the role that runs DDL
-- source: write-up: managed PostgreSQL, event triggers that run as the superuser (2022)
-- control: superuser
-- section: application
SET ROLE NONE;
CREATE FUNCTION shop.f() RETURNS event_trigger LANGUAGE plpgsql
  AS $$ BEGIN RAISE WARNING 'ran as % in %', current_user, current_database(); END $$;
CREATE EVENT TRIGGER a ON ddl_command_end EXECUTE FUNCTION shop.f();
CREATE EVENT TRIGGER b ON sql_drop EXECUTE FUNCTION shop.f();
CREATE EVENT TRIGGER c ON login EXECUTE FUNCTION shop.f();
-- section: others
GRANT SELECT ON shop.orders TO keyholder;
CREATE TEMP TABLE t (id int);
DROP TABLE t;
