-- Reports the tables of :schemas that an application of level all uses but does not own, and the foreign keys to them:
-- it can neither alter these tables nor add foreign keys to them. Members of extensions, and tables of isolated access
-- roles, do not count: their owner does not change.
\if :acts_as_access
WITH owner AS (
  SELECT o.oid FROM pg_catalog.pg_roles o
  WHERE NOT pg_catalog.pg_has_role(:'access', o.oid, 'USAGE')
    AND coalesce(pg_catalog.shobj_description(o.oid, 'pg_authid'), '') !~ '^pgbind/v1 access=\S+ on=\S+ isolated=true '
), unowned AS (
  SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
  FROM pg_catalog.json_to_recordset(:'schemas') AS s(name name, key text) JOIN pg_catalog.pg_namespace n ON n.nspname = s.name
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p') JOIN owner o ON o.oid = c.relowner
  WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
)
SELECT 'pgbind ' || pg_catalog.json_build_object('unowned', pg_catalog.json_build_object(
  'tables', pg_catalog.count(*), 'first', pg_catalog.min(u.name),
  'keys', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_constraint k WHERE k.contype = 'f' AND k.conparentid = 0 AND k.confrelid IN (SELECT n.oid FROM unowned n))))
FROM unowned u HAVING pg_catalog.count(*) > 0;
\endif
