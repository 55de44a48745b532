-- Reports which other roles have a privilege on a table or view of :role or :access that runs a function of theirs: in
-- a trigger, rule, view, policy, default, check, generated column or index. PostgreSQL runs it as the role that uses
-- the table or view.
WITH application AS (
  SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname IN (:'role', :'access')
), code AS (
  SELECT d.classid, d.objid FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_proc p ON d.refclassid = 'pg_catalog.pg_proc'::regclass AND p.oid = d.refobjid
  WHERE p.proowner IN (SELECT a.oid FROM application a) AND NOT p.prosecdef
), used AS (
  SELECT t.tgrelid AS relation FROM pg_catalog.pg_trigger t JOIN code c ON c.classid = 'pg_catalog.pg_trigger'::regclass AND c.objid = t.oid
  UNION
  SELECT w.ev_class FROM pg_catalog.pg_rewrite w JOIN code c ON c.classid = 'pg_catalog.pg_rewrite'::regclass AND c.objid = w.oid
  UNION
  SELECT y.polrelid FROM pg_catalog.pg_policy y JOIN code c ON c.classid = 'pg_catalog.pg_policy'::regclass AND c.objid = y.oid
  UNION
  SELECT f.adrelid FROM pg_catalog.pg_attrdef f JOIN code c ON c.classid = 'pg_catalog.pg_attrdef'::regclass AND c.objid = f.oid
  UNION
  SELECT k.conrelid FROM pg_catalog.pg_constraint k JOIN code c ON c.classid = 'pg_catalog.pg_constraint'::regclass AND c.objid = k.oid
  UNION
  SELECT i.indrelid FROM pg_catalog.pg_index i JOIN code c ON c.classid = 'pg_catalog.pg_class'::regclass AND c.objid = i.indexrelid
), pair AS (
  SELECT coalesce(pg_catalog.quote_ident(g.rolname), 'PUBLIC') AS grantee, pg_catalog.format('%I.%I', n.nspname, r.relname) AS relation
  FROM used u JOIN pg_catalog.pg_class r ON r.oid = u.relation AND r.relkind <> 'm' JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
  CROSS JOIN LATERAL pg_catalog.aclexplode(r.relacl) held LEFT JOIN pg_catalog.pg_roles g ON g.oid = held.grantee
  WHERE r.relowner IN (SELECT a.oid FROM application a) AND held.grantee NOT IN (SELECT a.oid FROM application a)
  GROUP BY 1, 2
), line AS (
  SELECT pg_catalog.format('role %s runs code of this application when it uses %s%s', p.grantee,
                           pg_catalog.array_to_string((pg_catalog.array_agg(p.relation ORDER BY p.relation))[1:3], ', '),
                           CASE WHEN pg_catalog.count(*) > 3 THEN pg_catalog.format(' and %s more', pg_catalog.count(*) - 3) END) AS what
  FROM pair p GROUP BY p.grantee
)
SELECT 'pgbind ' || pg_catalog.json_build_object('sharedCode', pg_catalog.json_agg(l.what))
FROM (SELECT s.what FROM line s ORDER BY s.what LIMIT 20) l HAVING pg_catalog.count(*) > 0;
