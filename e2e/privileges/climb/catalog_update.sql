-- way: write to the system catalogs
-- source: PostgreSQL documentation, allow_system_table_mods
-- control: superuser
-- section: application
SET ROLE NONE;
SET allow_system_table_mods = on;
UPDATE pg_authid SET rolbypassrls = true WHERE rolname = 'keyholder';
INSERT INTO pg_auth_members (roleid, member, grantor, admin_option) SELECT 10, oid, 10, true FROM pg_roles WHERE rolname = session_user;
UPDATE pg_class SET relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user) WHERE relname = 'secrets';
UPDATE pg_proc SET prosrc = 'SELECT 1' WHERE proname = 'total';
DELETE FROM pg_depend WHERE deptype = 'e';
CREATE TABLE pg_catalog.climbed (id int);
UPDATE pg_settings SET setting = 'on' WHERE name = 'allow_system_table_mods';
