-- way: read what a superuser's view in the bound schema shows of another schema
-- source: found in this project
-- control: SELECT on a superuser's view
-- section: setup
CREATE VIEW shop.report AS SELECT * FROM vault.secrets;
CREATE VIEW shop.report2 AS SELECT upper(note) AS note FROM shop.report;
CREATE MATERIALIZED VIEW shop.report3 AS SELECT * FROM shop.report;
CREATE VIEW shop.report4 AS SELECT i.id, (SELECT note FROM vault.secrets) AS note FROM shop.items i;
CREATE VIEW shop.report5 AS WITH s AS (SELECT * FROM vault.secrets) SELECT * FROM s;
CREATE VIEW shop.report6 AS SELECT * FROM shop.report3;
CREATE VIEW shop.verifiers AS SELECT rolname, rolpassword FROM pg_authid;
-- section: application
SELECT * FROM shop.report;
SELECT lower(note) FROM shop.report2;
SELECT * FROM shop.report3;
SELECT * FROM shop.report4;
SELECT * FROM shop.report5;
SELECT * FROM shop.report6;
SELECT * FROM shop.verifiers;
TABLE shop.report;
COPY shop.report TO STDOUT;
COPY (SELECT * FROM shop.report3) TO STDOUT;
-- section: others
REFRESH MATERIALIZED VIEW shop.report3;
-- section: again
SELECT * FROM shop.report;
SELECT * FROM shop.report3;
-- section: control
GRANT SELECT ON shop.report TO :"access";
