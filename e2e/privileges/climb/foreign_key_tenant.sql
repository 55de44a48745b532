-- way: reference the table of another tenant with a type of one's own, so that the check runs as that tenant
-- source: found in this project
-- control: REFERENCES on one column of another tenant's table
-- section: application
CREATE TYPE shop.e AS ENUM ('1');
CREATE FUNCTION shop.f(shop.e) RETURNS int LANGUAGE plpgsql AS :'note';
CREATE CAST (shop.e AS int) WITH FUNCTION shop.f(shop.e) AS IMPLICIT;
CREATE TABLE shop.t (x shop.e REFERENCES shop.neighbour(id));
INSERT INTO shop.t VALUES ('1');
-- section: others
INSERT INTO shop.neighbour VALUES (2, 'row');
DELETE FROM shop.neighbour WHERE id = 2;
-- section: again
INSERT INTO shop.t VALUES ('1');
-- section: control
GRANT REFERENCES (id) ON shop.neighbour TO :"access";
