-- Reports the sessions that prevent changes of roles: with a lock on the catalog of roles, or with the advisory lock of
-- an administrator who is not a superuser.
SELECT 'pgbind ' || pg_catalog.json_build_object('holders', pg_catalog.json_agg(
           pg_catalog.format('process %s of user %s%s', a.pid, a.usename, ' (' || nullif(a.application_name, '') || ')')))
FROM pg_catalog.pg_stat_activity a
WHERE a.pid <> pg_catalog.pg_backend_pid() AND EXISTS (
  SELECT FROM pg_catalog.pg_locks l, pg_catalog.hashtextextended('pgbind', 0) key
  WHERE l.pid = a.pid AND l.granted
    AND (l.relation = 'pg_catalog.pg_authid'::regclass AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')
         OR l.locktype = 'advisory' AND l.objsubid = 1 AND (l.classid::bigint << 32 | l.objid::bigint) = key))
HAVING pg_catalog.count(*) > 0;
