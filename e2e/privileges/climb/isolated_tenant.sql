-- way: read, change and take over what an isolated tenant owns
-- source: found in this project
-- control: membership in the access role of an isolated tenant
-- section: application
SELECT * FROM island.rows;
INSERT INTO island.rows VALUES (66, 'mine');
UPDATE island.rows SET note = 'mine';
TRUNCATE island.rows;
DROP TABLE island.rows;
CREATE FUNCTION island.lower(varchar) RETURNS text LANGUAGE plpgsql AS :'note';
CREATE TABLE island.mine (id int);
SET ROLE :"island";
SELECT * FROM island.rows;
SET ROLE :"island_login";
SELECT * FROM island.rows;
RESET ROLE;
GRANT :"island" TO CURRENT_USER;
REASSIGN OWNED BY :"island" TO CURRENT_USER;
DROP OWNED BY :"island";
ALTER DEFAULT PRIVILEGES FOR ROLE :"island" GRANT SELECT ON TABLES TO PUBLIC;
-- section: others
SET SESSION AUTHORIZATION :"island_login";
SET ROLE :"island";
INSERT INTO island.rows VALUES (2, 'row');
-- section: again
SELECT * FROM island.rows;
-- section: control
GRANT :"island" TO :"access";
