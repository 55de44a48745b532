-- way: change role attributes, passwords and settings of oneself and of others
-- source: PostgreSQL documentation, ALTER ROLE
-- control: CREATEROLE
-- section: application
SET ROLE NONE;
ALTER ROLE CURRENT_USER SUPERUSER;
ALTER ROLE CURRENT_USER CREATEROLE CREATEDB;
ALTER ROLE :"access" LOGIN PASSWORD 'x';
ALTER ROLE CURRENT_USER CONNECTION LIMIT 1;
ALTER ROLE CURRENT_USER VALID UNTIL 'infinity';
ALTER ROLE postgres PASSWORD 'x';
ALTER ROLE keyholder SET search_path = shop;
ALTER ROLE ALL SET search_path = shop;
ALTER ROLE ALL IN DATABASE :"DBNAME" SET search_path = shop;
ALTER ROLE CURRENT_USER SET session_preload_libraries = 'climb';
ALTER ROLE CURRENT_USER SET log_statement = 'none';
CREATE ROLE climb_role_a;
CREATE ROLE climb_role_b SUPERUSER;
CREATE ROLE climb_role_c IN ROLE pg_read_all_settings;
CREATE ROLE climb_role_d ADMIN CURRENT_USER;
DROP ROLE shopowner;
-- section: control
ALTER ROLE :"login" CREATEROLE;
