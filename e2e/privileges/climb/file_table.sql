-- way: read a file of the server through a foreign server that everybody may use
-- source: PostgreSQL documentation, file_fdw
-- control: membership in pg_read_server_files
-- section: setup
CREATE EXTENSION file_fdw SCHEMA ext;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
GRANT USAGE ON FOREIGN SERVER files TO PUBLIC;
COPY vault.secrets TO '/tmp/vault.csv';
CREATE FOREIGN TABLE shop.file (id int, note text) SERVER files OPTIONS (filename '/tmp/vault.csv');
CREATE VIEW shop.file_view AS SELECT * FROM shop.file;
-- section: application
SELECT * FROM shop.file;
SELECT * FROM shop.file_view;
CREATE FOREIGN TABLE shop.mine (id int, note text) SERVER files OPTIONS (filename '/tmp/vault.csv');
SELECT * FROM shop.mine;
CREATE FOREIGN TABLE shop.mine2 (id int, note text) SERVER files OPTIONS (program 'cat /tmp/vault.csv');
SELECT * FROM shop.mine2;
CREATE FOREIGN TABLE shop.mine3 (id int, note text) SERVER files;
ALTER FOREIGN TABLE shop.mine3 OPTIONS (ADD filename '/tmp/vault.csv');
SELECT * FROM shop.mine3;
ALTER FOREIGN TABLE shop.file OPTIONS (SET filename '/etc/passwd');
-- section: again
SELECT * FROM shop.file;
SELECT * FROM shop.file_view;
-- section: control
GRANT pg_read_server_files TO :"access";
