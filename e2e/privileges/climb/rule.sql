-- way: put a rule on the table of somebody else
-- source: PostgreSQL documentation, CREATE RULE
-- control: membership in the role that owns the table
-- section: application
CREATE FUNCTION shop.f() RETURNS int LANGUAGE plpgsql AS :'note';
CREATE RULE a AS ON INSERT TO shop.orders DO ALSO SELECT shop.f();
CREATE RULE b AS ON UPDATE TO shop.items DO ALSO SELECT shop.f();
CREATE RULE c AS ON INSERT TO shop.neighbour DO INSTEAD NOTHING;
-- section: others
INSERT INTO shop.orders VALUES (8, 'a pot');
UPDATE shop.items SET name = 'bowl' WHERE id = 2;
-- section: control
GRANT shopowner TO :"access";
