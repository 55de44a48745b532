-- way: put a trigger on the table of somebody else, which runs as the role that changes the table
-- source: PostgreSQL documentation, CREATE TRIGGER
-- control: TRIGGER on a superuser's table
-- section: application
CREATE FUNCTION shop.f() RETURNS trigger LANGUAGE plpgsql AS :'note';
CREATE FUNCTION pg_temp.f() RETURNS trigger LANGUAGE plpgsql AS :'note';
CREATE TRIGGER a AFTER INSERT OR UPDATE OR DELETE ON shop.items FOR EACH ROW EXECUTE FUNCTION shop.f();
CREATE TRIGGER b AFTER INSERT OR UPDATE OR DELETE ON shop.items FOR EACH ROW EXECUTE FUNCTION pg_temp.f();
CREATE TRIGGER c AFTER INSERT ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.f();
CREATE TRIGGER d AFTER INSERT ON shop.neighbour FOR EACH ROW EXECUTE FUNCTION shop.f();
CREATE TRIGGER e AFTER INSERT ON shop.extension_rows FOR EACH ROW EXECUTE FUNCTION shop.f();
CREATE CONSTRAINT TRIGGER f AFTER INSERT ON shop.items DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION shop.f();
-- section: others
INSERT INTO shop.items VALUES (7, 'pan');
UPDATE shop.items SET name = 'lid' WHERE id = 7;
INSERT INTO shop.extension_rows VALUES (7, 'row');
SET SESSION AUTHORIZATION shopowner;
INSERT INTO shop.orders VALUES (7, 'a pan');
SET SESSION AUTHORIZATION :"neighbour_login";
SET ROLE :"neighbour";
INSERT INTO shop.neighbour VALUES (7, 'row');
-- section: control
GRANT TRIGGER ON shop.items TO :"access";
