-- way: give a column of somebody else's table a default that calls a function of the application
-- source: PostgreSQL documentation, ALTER TABLE
-- control: membership in the role that owns the table
-- section: application
CREATE FUNCTION shop.f() RETURNS text LANGUAGE plpgsql AS :'note';
ALTER TABLE shop.orders ALTER COLUMN note SET DEFAULT shop.f();
ALTER TABLE shop.items ALTER COLUMN name SET DEFAULT shop.f();
ALTER TABLE shop.orders ADD COLUMN more text DEFAULT shop.f();
ALTER VIEW shop.orders ALTER COLUMN note SET DEFAULT shop.f();
-- section: others
INSERT INTO shop.orders (id) VALUES (9);
INSERT INTO shop.items (id) VALUES (9);
-- section: control
GRANT shopowner TO :"access";
