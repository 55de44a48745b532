-- way: replace the function in the index of a superuser's table, which inserts, REINDEX and ANALYZE call
-- source: CVE-2022-1552
-- control: the application owns the function that a superuser's index calls
-- section: setup
CREATE FUNCTION shop.norm(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN upper($1); END';
CREATE INDEX items_norm ON shop.items (shop.norm(name));
-- section: application
CREATE OR REPLACE FUNCTION shop.norm(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS :'note';
ALTER FUNCTION shop.norm(text) RENAME TO old;
CREATE FUNCTION shop.norm(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS :'note';
CREATE FUNCTION shop.norm(varchar) RETURNS text LANGUAGE plpgsql IMMUTABLE AS :'note';
-- section: others
REINDEX TABLE shop.items;
ANALYZE shop.items;
INSERT INTO shop.items VALUES (12, 'mug');
-- section: control
ALTER FUNCTION shop.norm(text) OWNER TO :"access";
