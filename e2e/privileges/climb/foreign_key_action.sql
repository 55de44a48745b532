-- way: reference a plain owner's table, so that ON DELETE runs triggers of the application when the owner deletes
-- source: PostgreSQL documentation, CREATE TABLE, REFERENCES
-- control: REFERENCES on the table of a plain owner, who then deletes
-- section: application
CREATE TABLE shop.t (x int REFERENCES shop.orders(id) ON DELETE CASCADE);
CREATE TYPE shop.e AS ENUM ('1');
CREATE FUNCTION shop.f(shop.e) RETURNS int LANGUAGE plpgsql AS :'note';
CREATE CAST (shop.e AS int) WITH FUNCTION shop.f(shop.e) AS IMPLICIT;
CREATE FUNCTION shop.same(int, shop.e) RETURNS boolean LANGUAGE plpgsql AS :'note';
CREATE OPERATOR shop.= (FUNCTION = shop.same, LEFTARG = int, RIGHTARG = shop.e);
CREATE TABLE shop.t2 (x shop.e REFERENCES shop.orders(id) ON DELETE CASCADE ON UPDATE CASCADE);
ALTER TABLE shop.t2 DISABLE TRIGGER ALL;
INSERT INTO shop.t2 VALUES ('1');
-- section: others
SET SESSION AUTHORIZATION shopowner;
INSERT INTO shop.orders VALUES (5, 'one pot');
DELETE FROM shop.orders WHERE id = 5;
UPDATE shop.orders SET id = 6 WHERE id = 1;
-- section: control
GRANT REFERENCES ON shop.orders TO :"access";
