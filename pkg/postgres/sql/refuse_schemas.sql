-- Refuses schemas of PostgreSQL and of extensions: their objects do not belong to an application.
SELECT pg_catalog.min(s.name::text) AS reserved, pg_catalog.count(*) > 0 AS is_reserved
FROM pg_catalog.json_to_recordset(:'schemas') AS s(name name, key text) LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = s.name
WHERE s.name ~ '^pg_' OR s.name = 'information_schema'
   OR EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e') \gset
\if :is_reserved
SELECT 'pgbind ' || pg_catalog.json_build_object('reserved', :'reserved');
\quit
\endif
