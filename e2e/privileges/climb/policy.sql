-- way: put a policy that calls a function of the application on somebody else's table, for other tenants who read it
-- source: PostgreSQL documentation, CREATE POLICY
-- control: membership in the role that owns the table
-- section: application
CREATE FUNCTION shop.f(int) RETURNS boolean LANGUAGE plpgsql AS :'note';
GRANT EXECUTE ON FUNCTION shop.f(int) TO PUBLIC;
CREATE POLICY a ON shop.orders USING (shop.f(id));
CREATE POLICY a ON shop.items USING (shop.f(id));
ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;
ALTER TABLE shop.items ENABLE ROW LEVEL SECURITY;
-- section: others
SET SESSION AUTHORIZATION :"neighbour_login";
SELECT count(*) FROM shop.orders;
SELECT count(*) FROM shop.items;
-- section: control
GRANT shopowner TO :"access";
