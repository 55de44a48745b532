-- way: index somebody else's table by an expression that calls a function of the application
-- source: PostgreSQL documentation, CREATE INDEX
-- control: membership in the role that owns the table
-- section: application
CREATE FUNCTION shop.f(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS :'note';
CREATE INDEX a ON shop.orders ((shop.f(id)));
CREATE INDEX b ON shop.items ((shop.f(id)));
CREATE INDEX c ON shop.neighbour (id) WHERE shop.f(id) > 0;
ALTER TABLE shop.items ADD EXCLUDE USING btree ((shop.f(id)) WITH =);
-- section: others
INSERT INTO shop.orders VALUES (11, 'a dish');
ANALYZE shop.orders;
ANALYZE shop.items;
-- section: control
GRANT shopowner TO :"access";
