-- way: set a parameter that PostgreSQL keeps to superusers, to go around triggers
-- source: PostgreSQL documentation, session_replication_role
-- versions: 15-
-- control: SET on the parameter session_replication_role
-- section: setup
CREATE TABLE shop.frozen (id int, note text);
INSERT INTO shop.frozen VALUES (1, 'keep');
CREATE FUNCTION ext.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'frozen'; END $$;
CREATE TRIGGER frozen BEFORE INSERT OR UPDATE OR DELETE ON shop.frozen FOR EACH STATEMENT EXECUTE FUNCTION ext.refuse();
CREATE TRIGGER frozen2 BEFORE TRUNCATE ON shop.frozen FOR EACH STATEMENT EXECUTE FUNCTION ext.refuse();
-- section: application
SET session_replication_role = replica;
DELETE FROM shop.frozen;
TRUNCATE shop.frozen;
ALTER TABLE shop.frozen DISABLE TRIGGER ALL;
DROP TRIGGER frozen ON shop.frozen;
DELETE FROM shop.frozen;
GRANT SET ON PARAMETER session_replication_role TO CURRENT_USER;
GRANT ALTER SYSTEM ON PARAMETER work_mem TO PUBLIC;
-- section: control
GRANT SET ON PARAMETER session_replication_role TO :"access";
