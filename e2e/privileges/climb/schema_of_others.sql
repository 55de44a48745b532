-- way: create a schema, and objects in it, that belong to somebody else
-- source: PostgreSQL documentation, CREATE SCHEMA
-- control: membership in another role
-- section: application
CREATE SCHEMA climb_a AUTHORIZATION shopowner CREATE TABLE t (id int);
CREATE SCHEMA climb_b AUTHORIZATION postgres;
CREATE SCHEMA climb_c AUTHORIZATION pg_read_all_settings;
CREATE SCHEMA AUTHORIZATION shopowner;
CREATE SCHEMA climb_d;
ALTER SCHEMA climb_d OWNER TO shopowner;
ALTER SCHEMA vault OWNER TO CURRENT_USER;
ALTER SCHEMA island RENAME TO mine;
DROP SCHEMA vault CASCADE;
-- section: control
GRANT shopowner TO :"access";
