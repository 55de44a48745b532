-- way: write to another schema through a superuser's view in the bound schema
-- source: found in this project
-- control: INSERT, UPDATE and SELECT on a superuser's view
-- section: setup
CREATE VIEW shop.editable AS SELECT * FROM vault.secrets;
CREATE VIEW shop.editable2 AS SELECT id FROM shop.editable;
-- section: application
INSERT INTO shop.editable VALUES (66, 'mine');
INSERT INTO shop.editable2 VALUES (67);
UPDATE shop.editable SET note = 'mine';
DELETE FROM shop.editable;
DELETE FROM shop.editable2;
UPDATE shop.editable2 SET id = id + 100;
-- section: control
GRANT INSERT, UPDATE, SELECT ON shop.editable TO :"access";
