-- way: read a protected table by functions and statements that take its name
-- source: CVE-2014-8161
-- control: SELECT on a protected table
-- section: setup
GRANT USAGE ON SCHEMA vault TO PUBLIC;
-- section: application
SELECT * FROM vault.secrets;
TABLE vault.secrets;
COPY vault.secrets TO STDOUT;
COPY (TABLE vault.secrets) TO STDOUT;
SELECT table_to_xml('vault.secrets', true, false, '');
SELECT schema_to_xml('vault', true, false, '');
SELECT database_to_xml(true, false, '');
SELECT query_to_xml('SELECT note FROM vault.secrets', true, false, '');
SELECT ts_stat('SELECT to_tsvector(note) FROM vault.secrets');
SELECT ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, note::tsquery FROM vault.secrets');
CREATE TEMP TABLE copy AS SELECT * FROM vault.secrets;
CREATE TABLE shop.copy (LIKE vault.secrets INCLUDING ALL);
CREATE TABLE shop.child () INHERITS (vault.secrets);
CREATE TABLE shop.child2 (note text DEFAULT (SELECT note FROM vault.secrets));
SELECT s FROM vault.secrets s;
SELECT 1 FROM vault.secrets WHERE note::int = 1;
DECLARE c CURSOR WITH HOLD FOR SELECT * FROM vault.secrets;
UPDATE shop.items SET name = (SELECT note FROM vault.secrets);
DELETE FROM shop.items USING vault.secrets s WHERE s.note::int = 1;
LOCK TABLE vault.secrets IN ACCESS SHARE MODE;
SELECT currtid2('vault.secrets', '(0,1)');
SELECT pg_get_viewdef('vault.secrets'::regclass);
EXPLAIN ANALYZE SELECT * FROM vault.secrets WHERE note::int = 1;
-- section: again
SELECT * FROM vault.secrets;
-- section: control
GRANT SELECT ON vault.secrets TO :"access";
