-- What the role :subject owns here, which REASSIGN OWNED hands on, and what DROP OWNED takes away: grants, policies, user mappings
-- and default privileges. What belongs to no database is counted where :shared says so.
WITH dependency AS (
  SELECT s.classid, s.objid, s.objsubid, s.deptype,
         s.deptype = 'o' AND s.classid NOT IN ('pg_catalog.pg_default_acl'::regclass, 'pg_catalog.pg_user_mapping'::regclass) AS owned
  FROM pg_catalog.pg_shdepend s
  WHERE s.refclassid = 'pg_catalog.pg_authid'::regclass
    AND s.refobjid = (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = :'subject')
    AND (s.dbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) OR s.dbid = 0 AND :'shared'::bool)
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
           'granted', (SELECT pg_catalog.count(*) FROM dependency d WHERE NOT d.owned AND d.classid <> 'pg_catalog.pg_default_acl'::regclass),
           'owns', (SELECT pg_catalog.json_agg(l.text ORDER BY l.text) FROM listed l WHERE l.owned),
           'loses', (SELECT pg_catalog.json_agg(l.text ORDER BY l.text) FROM listed l WHERE NOT l.owned)))
WHERE EXISTS (SELECT FROM dependency);
