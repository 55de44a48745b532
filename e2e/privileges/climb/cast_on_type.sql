-- way: define a cast from somebody else's type, which every statement that converts it then uses
-- source: PostgreSQL documentation, CREATE CAST
-- control: the application owns a type of the bound schema
-- section: setup
CREATE TABLE vault.log (id int, line varchar);
-- section: application
CREATE FUNCTION shop.f(shop.status) RETURNS varchar LANGUAGE plpgsql AS :'note';
CREATE CAST (shop.status AS varchar) WITH FUNCTION shop.f(shop.status) AS IMPLICIT;
CREATE FUNCTION shop.f(int) RETURNS text LANGUAGE plpgsql AS :'note';
CREATE CAST (int AS text) WITH FUNCTION shop.f(int) AS IMPLICIT;
CREATE CAST (text AS int) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (int AS shop.status) WITH INOUT AS IMPLICIT;
ALTER TYPE shop.status OWNER TO CURRENT_USER;
-- section: others
INSERT INTO vault.log SELECT id, status FROM shop.orders;
INSERT INTO vault.log SELECT id, id::text FROM shop.orders;
-- section: control
ALTER TYPE shop.status OWNER TO :"access";
