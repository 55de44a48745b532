-- way: replace, rename or redirect the function that somebody else's trigger calls
-- source: found in this project
-- control: the application owns the function of a superuser's trigger
-- section: setup
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER touch BEFORE INSERT ON shop.items FOR EACH ROW EXECUTE FUNCTION shop.touch();
-- section: application
CREATE OR REPLACE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS :'note';
ALTER FUNCTION shop.touch() SET search_path = shop;
ALTER FUNCTION shop.touch() SECURITY DEFINER;
ALTER FUNCTION shop.touch() OWNER TO CURRENT_USER;
DROP FUNCTION shop.touch() CASCADE;
-- section: others
INSERT INTO shop.items VALUES (13, 'fork');
-- section: control
ALTER FUNCTION shop.touch() OWNER TO :"access";
