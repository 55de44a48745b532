-- Reports the event triggers of this database that run in the administrator's sessions, with their functions, except those of extensions.
SELECT 'pgbind ' || pg_catalog.json_build_object('eventTriggers', pg_catalog.json_agg(
           pg_catalog.format('%I, which calls %s', e.evtname, e.evtfoid::regprocedure) ORDER BY e.evtname))
FROM pg_catalog.pg_event_trigger e
WHERE e.evtenabled IN ('O', 'A') AND NOT EXISTS (
  SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_event_trigger'::regclass AND d.objid = e.oid AND d.deptype = 'e')
HAVING pg_catalog.count(*) > 0;
