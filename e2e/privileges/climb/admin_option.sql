-- way: grant a predefined role to other roles
-- source: PostgreSQL documentation, Predefined Roles
-- control: a predefined role with ADMIN OPTION
-- section: application
GRANT pg_monitor TO keyholder;
GRANT pg_monitor TO PUBLIC;
GRANT pg_read_all_settings TO keyholder;
GRANT shopowner TO keyholder;
REVOKE pg_read_all_settings FROM pg_monitor;
GRANT CREATE ON TABLESPACE pg_default TO PUBLIC;
-- section: control
GRANT pg_monitor TO :"access" WITH ADMIN OPTION;
