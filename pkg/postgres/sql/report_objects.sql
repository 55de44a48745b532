-- Reports what the role :subject owns here, which REASSIGN OWNED reassigns, and what DROP OWNED removes: grants,
-- policies, user mappings and default privileges. If :shared is true, it also counts what belongs to no database.
-- Functions with which others act as the role, or as its access role, stay.
WITH application AS (
  SELECT l.oid FROM pg_catalog.pg_roles l WHERE l.rolname = :'subject'
  UNION
  SELECT m.roleid FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles l ON l.oid = m.member
  WHERE l.rolname = :'subject' AND pg_catalog.starts_with(pg_catalog.shobj_description(m.roleid, 'pg_authid'), 'pgbind/v1 ')
), dependency AS (
  SELECT s.classid, s.objid, s.objsubid, s.deptype,
         -- What its own application granted to it.
         EXISTS (SELECT FROM application o WHERE o.oid = CASE s.classid
           WHEN 'pg_catalog.pg_class'::regclass THEN (SELECT c.relowner FROM pg_catalog.pg_class c WHERE c.oid = s.objid)
           WHEN 'pg_catalog.pg_proc'::regclass THEN (SELECT p.proowner FROM pg_catalog.pg_proc p WHERE p.oid = s.objid)
           WHEN 'pg_catalog.pg_namespace'::regclass THEN (SELECT n.nspowner FROM pg_catalog.pg_namespace n WHERE n.oid = s.objid)
           WHEN 'pg_catalog.pg_type'::regclass THEN (SELECT t.typowner FROM pg_catalog.pg_type t WHERE t.oid = s.objid)
           WHEN 'pg_catalog.pg_policy'::regclass THEN (SELECT c.relowner FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid WHERE p.oid = s.objid)
           WHEN 'pg_catalog.pg_largeobject'::regclass THEN (SELECT l.lomowner FROM pg_catalog.pg_largeobject_metadata l WHERE l.oid = s.objid) END) AS by_application,
         s.deptype = 'o' AND s.classid NOT IN ('pg_catalog.pg_default_acl'::regclass, 'pg_catalog.pg_user_mapping'::regclass) AS owned
  FROM pg_catalog.pg_shdepend s
  WHERE s.refclassid = 'pg_catalog.pg_authid'::regclass
    AND s.refobjid = (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = :'subject')
    AND (s.dbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) OR s.dbid = 0 AND :'shared'::bool)
), definer AS (
  SELECT p.oid::regprocedure::text AS text FROM pg_catalog.pg_proc p
  WHERE p.prosecdef AND p.proowner IN (SELECT o.oid FROM application o) ORDER BY 1 LIMIT 50
), line AS (
  SELECT d.owned, CASE d.deptype WHEN 'a' THEN 'privileges on ' ELSE '' END || pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) AS text
  FROM dependency d
), listed AS (
  SELECT l.owned, l.text FROM (SELECT l.*, pg_catalog.row_number() OVER (PARTITION BY l.owned ORDER BY l.text) AS place FROM line l) l WHERE l.place <= 50
)
SELECT 'pgbind ' || pg_catalog.json_build_object('objects', pg_catalog.json_build_object(
           'role', :'subject',
           'database', pg_catalog.current_database(),
           'owned', (SELECT pg_catalog.count(*) FROM line l WHERE l.owned),
           'granted', (SELECT pg_catalog.count(*) FROM dependency d WHERE NOT d.owned AND NOT d.by_application AND d.classid <> 'pg_catalog.pg_default_acl'::regclass),
           'owns', (SELECT pg_catalog.json_agg(l.text ORDER BY l.text) FROM listed l WHERE l.owned),
           'loses', (SELECT pg_catalog.json_agg(l.text ORDER BY l.text) FROM listed l WHERE NOT l.owned),
           'definers', (SELECT pg_catalog.json_agg(f.text ORDER BY f.text) FROM definer f)))
WHERE EXISTS (SELECT FROM dependency) OR EXISTS (SELECT FROM definer);
