-- Creates those of :extensions that this database lacks, in their order. An extension's script runs as the
-- administrator and finds what is in its schema and in those of the extensions that it requires. Only administrators
-- may create or own objects there: any such object could run as the administrator. Existing extensions stay as they
-- are. The lock on schemas keeps others from granting CREATE meanwhile.
SELECT EXISTS (SELECT FROM pg_catalog.json_array_elements_text(:'extensions') name
               WHERE name.value NOT IN (SELECT e.extname FROM pg_catalog.pg_extension e)) AS lacks_extensions \gset
\if :lacks_extensions
BEGIN;
SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('pgbind', 0)) AS ignored \gset
\if :superuser
LOCK TABLE pg_catalog.pg_namespace IN SHARE ROW EXCLUSIVE MODE;
\endif
-- Everybody finds the extensions in a new schema, as in public. The scripts of the extensions decide what everybody can
-- use. Default privileges can also have given others rights on the schema.
SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = :'extension_schema') AS is_new \gset
\if :is_new
CREATE SCHEMA :"extension_schema";
GRANT USAGE ON SCHEMA :"extension_schema" TO PUBLIC;
\endif
WITH version AS (
  SELECT v.schema, v.requires
  FROM pg_catalog.json_array_elements_text(:'extensions') name
  JOIN pg_catalog.pg_available_extensions a ON a.name = name.value
  JOIN pg_catalog.pg_available_extension_versions v ON v.name = a.name AND v.version = a.default_version
  WHERE a.name NOT IN (SELECT e.extname FROM pg_catalog.pg_extension e)
), reached AS (
  SELECT n.oid, n.nspname, n.nspowner, n.nspacl FROM pg_catalog.pg_namespace n
  WHERE n.nspname = :'extension_schema' OR n.nspname IN (SELECT v.schema FROM version v)
     OR n.oid IN (SELECT e.extnamespace FROM pg_catalog.pg_extension e JOIN version v ON e.extname = ANY (v.requires))
), holder AS (
  SELECT s.nspname, s.nspowner AS oid FROM reached s
  UNION
  SELECT s.nspname, a.grantee FROM reached s CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(s.nspacl, pg_catalog.acldefault('n', s.nspowner))) a WHERE a.privilege_type = 'CREATE'
  UNION
  SELECT s.nspname, o.refobjid
  FROM pg_catalog.pg_shdepend o JOIN pg_catalog.pg_database d ON d.oid = o.dbid AND d.datname = pg_catalog.current_database()
  CROSS JOIN LATERAL pg_catalog.pg_identify_object(o.classid, o.objid, o.objsubid) i JOIN reached s ON s.nspname = i.schema
  WHERE o.refclassid = 'pg_catalog.pg_authid'::regclass AND o.deptype = 'o'
), other AS (
  SELECT h.nspname, coalesce(o.rolname, 'PUBLIC') AS name
  FROM holder h LEFT JOIN pg_catalog.pg_roles r ON r.oid = h.oid
  -- Only the database's owner is a member of pg_database_owner.
  LEFT JOIN pg_catalog.pg_database d ON r.rolname = 'pg_database_owner' AND d.datname = pg_catalog.current_database()
  LEFT JOIN pg_catalog.pg_roles o ON o.oid = coalesce(d.datdba, r.oid)
  WHERE h.oid = 0 OR NOT (o.rolsuper OR o.rolcreaterole OR o.rolname = current_user)
)
SELECT pg_catalog.count(*) > 0 AS is_exposed, pg_catalog.json_agg(pg_catalog.json_build_object('schema', e.nspname, 'role', e.name)) AS exposed
FROM (SELECT * FROM other ORDER BY nspname, name LIMIT 10) e \gset
\if :is_exposed
SELECT 'pgbind ' || pg_catalog.json_build_object('exposed', :'exposed'::json);
\quit
\endif
SELECT 'pgbind ' || pg_catalog.json_build_object('did', pg_catalog.format(text, :'extension_schema'))
FROM pg_catalog.unnest('{CREATE SCHEMA %I,GRANT USAGE ON SCHEMA %I TO PUBLIC}'::text[]) text WHERE :'is_new'::bool;
-- Some extensions choose their schema themselves.
SELECT l.text, pg_catalog.format('SELECT %L', 'pgbind ' || pg_catalog.json_build_object('did', l.text)::text)
FROM (
  SELECT held.place, pg_catalog.format('CREATE EXTENSION IF NOT EXISTS %I', held.name)
         || CASE WHEN v.schema IS NULL THEN pg_catalog.format(' SCHEMA %I', :'extension_schema') ELSE '' END AS text
  FROM pg_catalog.json_array_elements_text(:'extensions') WITH ORDINALITY held(name, place)
  LEFT JOIN pg_catalog.pg_available_extensions a ON a.name = held.name
  LEFT JOIN pg_catalog.pg_available_extension_versions v ON v.name = a.name AND v.version = a.default_version
  WHERE held.name NOT IN (SELECT e.extname FROM pg_catalog.pg_extension e)
) l ORDER BY l.place \gexec
COMMIT;
\endif
