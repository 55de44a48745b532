-- way: read a setting that holds a password
-- source: PostgreSQL documentation, pg_read_all_settings
-- control: membership in pg_read_all_settings
-- section: setup
SELECT format('ALTER SYSTEM SET primary_conninfo = %L', 'password=' || :'canary') \gexec
SELECT pg_reload_conf();
-- section: application
SHOW primary_conninfo;
SHOW ALL;
SELECT current_setting('primary_conninfo');
SELECT setting FROM pg_settings WHERE name = 'primary_conninfo';
SELECT * FROM pg_file_settings;
SELECT pg_show_all_file_settings();
SELECT pg_read_file('postgresql.auto.conf');
SELECT * FROM pg_stat_wal_receiver;
-- section: control
GRANT pg_read_all_settings TO :"access";
