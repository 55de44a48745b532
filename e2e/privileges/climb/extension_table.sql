-- way: read or change the table of an extension in the bound schema
-- source: found in this project
-- control: SELECT on the table of an extension
-- section: application
SELECT * FROM shop.extension_rows;
INSERT INTO shop.extension_rows VALUES (66, 'mine');
UPDATE shop.extension_rows SET note = 'mine' RETURNING *;
DELETE FROM shop.extension_rows;
TRUNCATE shop.extension_rows;
COPY shop.extension_rows TO STDOUT;
ALTER EXTENSION pg_trgm DROP TABLE shop.extension_rows;
CREATE TABLE shop.mine (LIKE shop.extension_rows INCLUDING ALL) INHERITS (shop.extension_rows);
-- section: again
SELECT * FROM shop.extension_rows;
-- section: control
GRANT SELECT ON shop.extension_rows TO :"access";
