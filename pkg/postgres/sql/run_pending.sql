-- Runs the statements of :pending. Each is a transaction of its own, unless the administrator is not a superuser. An
-- error does not end the script: another session locks the object, changes it at the same time, or has dropped it. A
-- statement about a table that another session locks is left out, but :waits lets the first one wait. :remains says
-- that some were left out or failed.
WITH statement AS (
  SELECT l.number, l.text, l.relation FROM pg_catalog.json_to_recordset(:'pending') AS l(number int, text text, relation oid)
), locked AS (
  SELECT DISTINCT k.relation FROM pg_catalog.pg_locks k JOIN pg_catalog.pg_database d ON d.oid = k.database AND d.datname = pg_catalog.current_database()
  WHERE k.locktype = 'relation' AND k.granted AND k.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
    AND k.mode IN ('ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
), ordered AS (
  SELECT s.text, l.relation IS NOT NULL AS is_locked, pg_catalog.row_number() OVER (PARTITION BY l.relation IS NOT NULL ORDER BY s.number) AS place
  FROM statement s LEFT JOIN locked l ON l.relation = s.relation
)
SELECT coalesce((SELECT pg_catalog.json_agg(pg_catalog.json_build_object('text', o.text) ORDER BY o.is_locked, o.place)
                 FROM ordered o WHERE NOT o.is_locked OR o.place = 1 AND :'waits'::bool), '[]') AS chosen,
       pg_catalog.set_config('pgbind.remaining', (SELECT pg_catalog.count(*) FROM ordered)::text, false) AS ignored \gset
\set ON_ERROR_STOP off
SELECT pg_catalog.format('%s; SELECT %L WHERE pg_catalog.set_config(''pgbind.remaining'', (pg_catalog.current_setting(''pgbind.remaining'')::int - 1)::text, false) IS NOT NULL',
                         l.text, 'pgbind ' || pg_catalog.json_build_object('did', l.text)::text)
FROM pg_catalog.json_to_recordset(:'chosen') AS l(text text) \gexec
\set ON_ERROR_STOP on
SELECT pg_catalog.current_setting('pgbind.remaining') <> '0' AS remains \gset
