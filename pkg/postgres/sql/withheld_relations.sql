-- Sets :withheld to the relations of :schemas on which no level grants anything: members of extensions, and views,
-- materialized views and foreign tables by which a superuser reads something outside the schemas, directly or through
-- other views. Views are checked as their owner. A dependency on an object of pg_catalog is recorded nowhere, so the
-- rules' own query trees name what they read. A member of an extension gets no reason, because users expect no grant on
-- it.
WITH RECURSIVE space AS (
  SELECT n.oid, n.nspname FROM pg_catalog.json_to_recordset(:'schemas') AS s(name name, key text)
  JOIN pg_catalog.pg_namespace n ON n.nspname = s.name
), relation AS (
  SELECT c.oid, c.relkind, c.relowner, pg_catalog.format('%I.%I', s.nspname, c.relname) AS name FROM space s JOIN pg_catalog.pg_class c ON c.relnamespace = s.oid
), edge AS (
  SELECT DISTINCT w.ev_class AS reader, held.match[1]::oid AS target
  FROM relation c JOIN pg_catalog.pg_rewrite w ON w.ev_class = c.oid AND c.relkind IN ('v', 'm')
  CROSS JOIN LATERAL pg_catalog.regexp_matches(w.ev_action::text, ':relid (\d+)', 'g') held(match)
  WHERE held.match[1] <> '0' AND held.match[1]::oid <> w.ev_class
), source AS (
  -- What a view reads directly: a relation outside, a foreign table, or what a SECURITY DEFINER function outside returns,
  -- which may be part of an aggregate.
  SELECT e.reader, e.target::regclass::text AS reads
  FROM edge e JOIN pg_catalog.pg_class t ON t.oid = e.target
  WHERE t.relnamespace NOT IN (SELECT s.oid FROM space s) OR t.relkind = 'f'
  UNION ALL
  SELECT w.ev_class, p.oid::regprocedure::text
  FROM relation c JOIN pg_catalog.pg_rewrite w ON w.ev_class = c.oid AND c.relkind IN ('v', 'm')
  CROSS JOIN LATERAL pg_catalog.regexp_matches(w.ev_action::text, ':(?:funcid|opfuncid|aggfnoid|winfnoid) (\d+)', 'g') held(match)
  LEFT JOIN pg_catalog.pg_aggregate a ON a.aggfnoid = held.match[1]::oid
  JOIN pg_catalog.pg_proc p ON p.oid IN (held.match[1]::oid, a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn)
  WHERE p.prosecdef AND p.pronamespace NOT IN (SELECT s.oid FROM space s) AND p.pronamespace <> 'pg_catalog'::regnamespace
), reached AS (
  SELECT c.oid AS view, c.oid AS target FROM relation c WHERE c.relkind IN ('v', 'm')
  UNION
  SELECT r.view, e.target FROM reached r JOIN edge e ON e.reader = r.target
), outside AS (
  SELECT r.view, pg_catalog.min(s.reads) AS reads FROM reached r JOIN source s ON s.reader = r.target GROUP BY r.view
), member AS (
  SELECT d.objid FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.deptype = 'e'
), superuser AS (
  SELECT o.oid, o.rolname FROM pg_catalog.pg_roles o
  WHERE EXISTS (SELECT FROM pg_catalog.pg_roles s WHERE s.rolsuper AND pg_catalog.pg_has_role(o.oid, s.oid, 'USAGE'))
), withheld AS (
  SELECT c.oid, c.name, NULL AS reason FROM relation c WHERE c.oid IN (SELECT m.objid FROM member m)
  UNION ALL
  SELECT c.oid, c.name, pg_catalog.format('belongs to the superuser %I and reads %s', u.rolname, coalesce(x.reads, 'outside the database'))
  FROM relation c JOIN superuser u ON u.oid = c.relowner LEFT JOIN outside x ON x.view = c.oid
  WHERE (c.relkind = 'f' OR x.reads IS NOT NULL) AND c.oid NOT IN (SELECT m.objid FROM member m)
)
SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('oid', w.oid::text, 'relation', w.name, 'reason', w.reason) ORDER BY w.name), '[]') AS withheld
FROM withheld w \gset
