-- way: fill access lists of its own and of others with an entry for each role of the server
-- source: found in this project
-- control: SELECT on the table, with the option to grant it
-- section: application
CREATE TABLE shop.crowded (id int);
CREATE FUNCTION shop.crowded() RETURNS int LANGUAGE sql AS 'SELECT 1';
SELECT lo_from_bytea(0, 'crowded') AS crowded \gset
SELECT format('GRANT ALL ON TABLE %s TO %I WITH GRANT OPTION', relation, rolname)
  FROM pg_roles, unnest(ARRAY['shop.crowded', 'shop.orders', 'shop.items', 'vault.secrets']) relation WHERE rolname <> current_user \gexec
SELECT format('GRANT ALL (id) ON TABLE shop.crowded TO %I', rolname) FROM pg_roles WHERE rolname <> current_user \gexec
SELECT format('GRANT ALL ON FUNCTION shop.crowded() TO %I', rolname) FROM pg_roles WHERE rolname <> current_user \gexec
SELECT format('GRANT ALL ON LARGE OBJECT %s TO %I', :'crowded', rolname) FROM pg_roles WHERE rolname <> current_user \gexec
SELECT format('GRANT ALL ON SCHEMA shop TO %I', rolname) FROM pg_roles WHERE rolname <> current_user \gexec
SELECT format('ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO %I', rolname) FROM pg_roles WHERE rolname <> current_user \gexec
SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE postgres GRANT ALL ON TABLES TO %I', rolname) FROM pg_roles WHERE rolname <> current_user \gexec
-- section: again
SELECT note FROM vault.secrets;
SELECT format('GRANT SELECT ON TABLE vault.secrets TO %I', rolname) FROM pg_roles WHERE rolname <> current_user \gexec
-- section: control
GRANT USAGE ON SCHEMA vault TO :"access";
GRANT SELECT ON vault.secrets TO :"access" WITH GRANT OPTION;
