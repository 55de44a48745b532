-- way: control the server with its administration functions
-- source: PostgreSQL documentation, Server Signaling Functions
-- control: EXECUTE on pg_reload_conf
-- section: application
SELECT pg_reload_conf();
SELECT pg_sleep(0.3);
SELECT pg_rotate_logfile();
SELECT pg_promote();
SELECT pg_switch_wal();
SELECT pg_create_restore_point('climb');
SELECT pg_start_backup('climb');
SELECT pg_backup_start('climb');
SELECT pg_logical_emit_message(true, 'climb', 'climb');
SELECT pg_stat_reset();
SELECT pg_wal_replay_pause();
SELECT pg_import_system_collations('pg_catalog');
SELECT binary_upgrade_set_record_init_privs(true);
CHECKPOINT;
LOAD 'auto_explain';
LOAD '$libdir/plugins/climb';
-- section: control
GRANT EXECUTE ON FUNCTION pg_reload_conf() TO :"access";
