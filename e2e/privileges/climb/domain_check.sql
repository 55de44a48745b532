-- way: add a check to a domain or table of somebody else, which runs as the role that writes a value
-- source: PostgreSQL documentation, ALTER DOMAIN
-- control: the application owns a domain that a superuser's table uses
-- section: setup
CREATE DOMAIN shop.price AS int;
CREATE TABLE vault.prices (id int, price shop.price);
-- section: application
CREATE FUNCTION shop.f(int) RETURNS boolean LANGUAGE plpgsql AS :'note';
ALTER DOMAIN shop.price ADD CONSTRAINT a CHECK (shop.f(VALUE)) NOT VALID;
ALTER TABLE shop.items ADD CONSTRAINT a CHECK (shop.f(id)) NOT VALID;
ALTER TABLE shop.orders ADD CONSTRAINT a CHECK (shop.f(id)) NOT VALID;
ALTER DOMAIN shop.price SET DEFAULT 1;
-- section: others
INSERT INTO vault.prices VALUES (1, 10);
INSERT INTO shop.items VALUES (10, 'jar');
INSERT INTO shop.orders VALUES (10, 'a jar');
-- section: control
ALTER DOMAIN shop.price OWNER TO :"access";
