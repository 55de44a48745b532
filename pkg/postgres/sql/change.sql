-- Runs the statements of :missing, and those of :extra that the administrator may run; check reports the others. Each is a transaction of its own, unless
-- the administrator is no superuser. An error does not end the script: another session locks the object, changes it at the same time, or has dropped it.
-- A statement about a table that another session locks is left out, but :waits lets the first one wait. :remains says that some were left out or failed.
WITH statement AS (
  SELECT 1 AS part, 0 AS place, l.text, l.relation FROM pg_catalog.json_to_recordset(:'extra') AS l(text text, may bool, relation oid) WHERE l.may
  UNION ALL
  SELECT 2, l.place, l.text, l.relation FROM pg_catalog.json_to_recordset(:'missing') AS l(text text, place int, relation oid)
), locked AS (
  SELECT DISTINCT k.relation FROM pg_catalog.pg_locks k JOIN pg_catalog.pg_database d ON d.oid = k.database AND d.datname = pg_catalog.current_database()
  WHERE k.locktype = 'relation' AND k.granted AND k.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
    AND k.mode IN ('ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
), ordered AS (
  SELECT s.*, l.relation IS NOT NULL AS is_locked, pg_catalog.row_number() OVER (PARTITION BY l.relation IS NOT NULL ORDER BY s.part, s.place, s.text) AS number
  FROM statement s LEFT JOIN locked l ON l.relation = s.relation
)
SELECT coalesce((SELECT pg_catalog.json_agg(pg_catalog.json_build_object('text', o.text) ORDER BY o.is_locked, o.number)
                 FROM ordered o WHERE NOT o.is_locked OR o.number = 1 AND :'waits'::bool), '[]') AS chosen,
       pg_catalog.set_config('pgbind.remaining', (SELECT pg_catalog.count(*) FROM ordered)::text, false) AS ignored \gset
\set ON_ERROR_STOP off
SELECT pg_catalog.format('%s; SELECT %L WHERE pg_catalog.set_config(''pgbind.remaining'', (pg_catalog.current_setting(''pgbind.remaining'')::int - 1)::text, false) IS NOT NULL',
                         l.text, 'pgbind ' || pg_catalog.json_build_object('did', l.text)::text)
FROM pg_catalog.json_to_recordset(:'chosen') AS l(text text) \gexec
\set ON_ERROR_STOP on
SELECT pg_catalog.current_setting('pgbind.remaining') <> '0' AS remains \gset
