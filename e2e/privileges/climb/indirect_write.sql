-- way: write to a protected table or sequence
-- source: CVE-2023-39418
-- control: UPDATE on a protected sequence
-- section: setup
CREATE SEQUENCE vault.number;
GRANT USAGE ON SCHEMA vault TO PUBLIC;
-- section: application
INSERT INTO vault.secrets VALUES (66, 'mine');
INSERT INTO vault.secrets VALUES (1, 'mine') ON CONFLICT (id) DO UPDATE SET note = 'mine';
UPDATE vault.secrets SET note = 'mine';
UPDATE ONLY vault.secrets SET note = 'mine' WHERE CURRENT OF c;
DELETE FROM vault.secrets;
TRUNCATE vault.secrets;
TRUNCATE shop.items CASCADE;
MERGE INTO vault.secrets s USING (VALUES (1)) v(id) ON s.id = v.id WHEN MATCHED THEN DELETE;
COPY vault.secrets FROM PROGRAM 'echo 66';
WITH gone AS (DELETE FROM vault.secrets RETURNING *) SELECT * FROM gone;
SELECT nextval('vault.number');
SELECT setval('vault.number', 4711);
ALTER SEQUENCE vault.number RESTART 1;
CREATE TABLE shop.mine (id int DEFAULT nextval('vault.number'));
INSERT INTO shop.mine DEFAULT VALUES;
CREATE RULE a AS ON INSERT TO shop.mine DO ALSO DELETE FROM vault.secrets;
INSERT INTO shop.mine VALUES (1);
DROP TABLE vault.secrets;
-- section: again
UPDATE vault.secrets SET note = 'mine';
-- section: control
GRANT UPDATE ON SEQUENCE vault.number TO :"access";
