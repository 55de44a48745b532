-- Reports the statements of :pending, which could not run, with the sessions that stand in the way: they lock a table,
-- or change catalogs in a transaction that is still open. A table has no room for another grantee if its access list
-- almost fills a page.
WITH statement AS (
  SELECT l.number, l.text, l.relation FROM pg_catalog.json_to_recordset(:'pending') AS l(number int, text text, relation oid)
), blocker AS (
  SELECT DISTINCT l.relation, pg_catalog.format('process %s of user %s%s, in a transaction since %s', a.pid, a.usename, ' (' || nullif(a.application_name, '') || ')',
                                                pg_catalog.date_trunc('second', a.xact_start)) AS name
  FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid JOIN pg_catalog.pg_database d ON d.oid = l.database AND d.datname = pg_catalog.current_database()
  WHERE l.granted AND l.locktype = 'relation' AND l.pid <> pg_catalog.pg_backend_pid()
    AND (l.mode IN ('ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
         OR l.mode = 'RowExclusiveLock' AND l.relation IN ('pg_catalog.pg_class'::regclass, 'pg_catalog.pg_namespace'::regclass, 'pg_catalog.pg_default_acl'::regclass))
)
SELECT 'pgbind ' || pg_catalog.json_build_object('unfinished', pg_catalog.json_agg(pg_catalog.json_build_object(
         'statement', s.text, 'blockers', (SELECT pg_catalog.json_agg(b.name) FROM (
           SELECT DISTINCT b.name FROM blocker b
           WHERE b.relation = s.relation
              OR NOT EXISTS (SELECT FROM blocker n WHERE n.relation = s.relation) AND b.relation < 16384
           LIMIT 5) b), 'grantees', list.grantees) ORDER BY s.number))
FROM (SELECT * FROM statement ORDER BY number LIMIT 20) s
LEFT JOIN LATERAL (SELECT pg_catalog.cardinality(c.relacl) AS grantees FROM pg_catalog.pg_class c
                   WHERE c.oid = s.relation AND pg_catalog.pg_column_size(c.relacl) > 7000) list ON true
HAVING pg_catalog.count(*) > 0;
