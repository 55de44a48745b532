-- way: have ANALYZE of somebody else's table evaluate an expression of the application
-- source: PostgreSQL documentation, CREATE STATISTICS
-- control: membership in the role that owns the table
-- versions: 14-
-- section: application
CREATE FUNCTION shop.f(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS :'note';
CREATE STATISTICS shop.a ON (shop.f(id)) FROM shop.orders;
CREATE STATISTICS shop.b ON (shop.f(id)) FROM shop.items;
CREATE STATISTICS shop.c ON (shop.f(id)) FROM shop.neighbour;
-- section: others
INSERT INTO shop.orders VALUES (23, 'a ladle');
ANALYZE shop.orders;
ANALYZE shop.items;
-- section: control
GRANT shopowner TO :"access";
