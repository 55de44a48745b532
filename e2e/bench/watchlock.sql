-- Reports the longest time, in milliseconds, that a session held the lock on the catalog of roles. Ends two seconds
-- after its last release, or after two minutes. Each round reads pg_locks again.
SET client_min_messages = warning;
CREATE FUNCTION pg_temp.watch() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  longest interval := '0';
  since timestamptz;
  last_seen timestamptz;
  holder int;
  current_holder int;
  deadline timestamptz := clock_timestamp() + '2 min';
BEGIN
  LOOP
    SELECT pid INTO current_holder FROM pg_locks
     WHERE locktype = 'relation' AND relation = 'pg_authid'::regclass AND mode = 'ShareRowExclusiveLock' AND granted LIMIT 1;
    IF current_holder IS NOT NULL THEN
      IF holder IS DISTINCT FROM current_holder THEN since := clock_timestamp(); END IF;
      longest := greatest(longest, clock_timestamp() - since);
      last_seen := clock_timestamp();
    END IF;
    holder := current_holder;
    EXIT WHEN clock_timestamp() > deadline OR last_seen < clock_timestamp() - '2 s'::interval;
    PERFORM pg_sleep(0.005);
  END LOOP;
  IF last_seen IS NULL THEN RAISE EXCEPTION 'no session took the lock'; END IF;
  RETURN round(extract(epoch FROM longest) * 1000);
END $$;
SELECT pg_temp.watch();
