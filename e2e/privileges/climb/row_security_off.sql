-- way: read or overwrite rows that a policy hides: switch it off, replace it, upsert, merge, take the plan of another role
-- source: CVE-2024-10976
-- control: row security of the table is off
-- section: setup
CREATE TABLE shop.ledger (id int PRIMARY KEY, tenant text, note text);
INSERT INTO shop.ledger VALUES (1, 'bank', :'canary');
ALTER TABLE shop.ledger ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON shop.ledger USING (tenant = current_user);
-- section: application
SELECT * FROM shop.ledger;
SET row_security = off;
SELECT * FROM shop.ledger;
COPY shop.ledger TO STDOUT;
RESET row_security;
INSERT INTO shop.ledger VALUES (1, current_user, 'mine') ON CONFLICT (id) DO UPDATE SET tenant = current_user RETURNING *;
UPDATE shop.ledger SET tenant = current_user RETURNING *;
MERGE INTO shop.ledger l USING (SELECT 1 AS id) s ON l.id = s.id WHEN MATCHED THEN UPDATE SET tenant = current_user;
SELECT * FROM shop.ledger;
PREPARE p AS SELECT * FROM shop.ledger;
EXECUTE p;
SET ROLE :"login";
EXECUTE p;
RESET ROLE;
EXECUTE p;
ALTER TABLE shop.ledger DISABLE ROW LEVEL SECURITY;
ALTER TABLE shop.ledger OWNER TO CURRENT_USER;
CREATE POLICY mine ON shop.ledger USING (true);
ALTER POLICY own ON shop.ledger USING (true);
ALTER ROLE :"login" BYPASSRLS;
ALTER ROLE :"access" BYPASSRLS;
SELECT * FROM shop.ledger;
-- section: again
SELECT * FROM shop.ledger;
-- section: control
ALTER TABLE shop.ledger DISABLE ROW LEVEL SECURITY;
