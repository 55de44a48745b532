-- way: call the function by which a pooler reads verifiers, which nobody else may execute
-- source: found in this project
-- control: EXECUTE on a SECURITY DEFINER function
-- section: setup
CREATE FUNCTION shop.lookup(name text) RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'SELECT rolpassword FROM pg_authid WHERE rolname = $1';
REVOKE EXECUTE ON FUNCTION shop.lookup(text) FROM PUBLIC;
CREATE FUNCTION ext.lookup(name text) RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'SELECT rolpassword FROM pg_authid WHERE rolname = $1';
REVOKE EXECUTE ON FUNCTION ext.lookup(text) FROM PUBLIC;
-- section: application
SELECT shop.lookup('keyholder');
SELECT ext.lookup('keyholder');
CREATE VIEW shop.v AS SELECT shop.lookup('keyholder');
SELECT * FROM shop.v;
CREATE FUNCTION shop.mine() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', shop.lookup('keyholder'); RETURN NULL; END $$;
CREATE AGGREGATE shop.a(text) (SFUNC = textcat, STYPE = text, FINALFUNC = shop.lookup);
SELECT shop.a('keyholder');
CREATE CAST (shop.status AS text) WITH FUNCTION shop.lookup(text) AS IMPLICIT;
CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION shop.lookup();
ALTER FUNCTION shop.lookup(text) OWNER TO CURRENT_USER;
GRANT EXECUTE ON FUNCTION shop.lookup(text) TO PUBLIC;
-- section: again
SELECT shop.lookup('keyholder');
-- section: control
GRANT EXECUTE ON FUNCTION shop.lookup(text) TO :"access";
