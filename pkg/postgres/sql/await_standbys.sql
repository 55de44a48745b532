-- Waits up to 10 s until as many synchronous standbys as the server requires have written what the script committed:
-- the roles then outlive a failover. The commits themselves do not wait for a standby, because they would hold the lock
-- on roles meanwhile.
SELECT pg_catalog.current_setting('synchronous_standby_names') <> '' AS replicates,
       pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')
         AND EXISTS (SELECT FROM pg_catalog.pg_language l WHERE l.lanname = 'plpgsql' AND pg_catalog.has_language_privilege(l.oid, 'USAGE')) AS sees_standbys \gset
\if :replicates
SET pgbind.replication = 'unknown';
\if :sees_standbys
DO $wait$
DECLARE
  written CONSTANT pg_catalog.pg_lsn := pg_catalog.pg_current_wal_flush_lsn();
  required CONSTANT int := coalesce(
    pg_catalog.substring(pg_catalog.current_setting('synchronous_standby_names'), '(?i)^\s*(?:(?:first|any)\s*)?(\d+)\s*\(')::int, 1);
  latest CONSTANT timestamptz := pg_catalog.clock_timestamp() + '10 s';
  complete int;
BEGIN
  LOOP
    SELECT pg_catalog.count(*) INTO complete FROM pg_catalog.pg_stat_get_wal_senders() s
      WHERE s.sync_state IN ('sync', 'quorum') AND s.flush_lsn >= written;
    IF complete >= required THEN
      SET pgbind.replication = 'written';
      EXIT;
    ELSIF pg_catalog.clock_timestamp() > latest THEN
      SET pgbind.replication = 'late';
      EXIT;
    END IF;
    PERFORM pg_catalog.pg_sleep(0.05);
  END LOOP;
END $wait$;
\endif
SELECT pg_catalog.concat('pgbind ', pg_catalog.json_build_object('replication', pg_catalog.current_setting('pgbind.replication')));
\endif
