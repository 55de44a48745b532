-- way: read the superuser's tables over a foreign server that leads back to this one
-- source: PostgreSQL documentation, postgres_fdw, password_required
-- control: a user mapping for PUBLIC as the superuser, without a password
-- section: setup
CREATE EXTENSION postgres_fdw SCHEMA ext;
SELECT format('CREATE SERVER loop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname %L)', current_database()) \gexec
GRANT USAGE ON FOREIGN SERVER loop TO PUBLIC;
-- section: application
CREATE FOREIGN TABLE shop.far (id int, note text) SERVER loop OPTIONS (schema_name 'vault', table_name 'secrets');
SELECT * FROM shop.far;
CREATE USER MAPPING FOR CURRENT_USER SERVER loop OPTIONS (user 'postgres');
CREATE USER MAPPING FOR CURRENT_USER SERVER loop OPTIONS (user 'postgres', password_required 'false');
CREATE USER MAPPING FOR PUBLIC SERVER loop OPTIONS (user 'postgres', password 'x');
SELECT * FROM shop.far;
IMPORT FOREIGN SCHEMA vault FROM SERVER loop INTO shop;
SELECT * FROM shop.secrets;
ALTER SERVER loop OPTIONS (ADD user 'postgres');
ALTER SERVER loop OWNER TO CURRENT_USER;
ALTER USER MAPPING FOR CURRENT_USER SERVER loop OPTIONS (ADD password_required 'false');
SELECT * FROM shop.far;
-- section: control
CREATE USER MAPPING FOR PUBLIC SERVER loop OPTIONS (user 'postgres', password_required 'false');
