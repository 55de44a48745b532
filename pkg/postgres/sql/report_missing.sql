-- Reports what the level grants and the role :role still lacks: a GRANT without the right to grant is only a warning. Sets :lacking to it.
WITH level AS (
  SELECT l.object, l.privilege
  FROM pg_catalog.json_to_recordset(:'levels') AS l(level text, object text, privilege text) WHERE l.level = :'level'
), withheld AS (
  SELECT (w ->> 'oid')::oid AS oid FROM pg_catalog.json_array_elements(:'withheld') w
  UNION
  SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_roles r ON r.oid = c.relowner
  WHERE r.rolname <> :'access' AND pg_catalog.shobj_description(r.oid, 'pg_authid') ~ '^pgbind/v1 access=\S+ on=\S+ isolated=true '
), space AS (
  SELECT s.name, n.oid FROM pg_catalog.json_to_recordset(:'schemas') AS s(name name, key text)
  LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = s.name
), lack AS (
  SELECT pg_catalog.format('%s on database %I', l.privilege, pg_catalog.current_database()) AS text
  FROM level l WHERE l.object = 'database' AND NOT pg_catalog.has_database_privilege(:'role', pg_catalog.current_database(), l.privilege)
  UNION ALL
  SELECT pg_catalog.format('%s on schema %I', l.privilege, s.name)
  FROM level l, space s WHERE l.object = 'schema' AND s.oid IS NOT NULL AND NOT pg_catalog.has_schema_privilege(:'role', s.oid, l.privilege)
  UNION ALL
  SELECT pg_catalog.format('%s on table %I.%I', l.privilege, s.name, c.relname)
  FROM level l, space s, pg_catalog.pg_class c
  WHERE l.object = 'table' AND c.relnamespace = s.oid AND c.oid NOT IN (SELECT w.oid FROM withheld w) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT pg_catalog.has_table_privilege(:'role', c.oid, l.privilege)
  UNION ALL
  SELECT pg_catalog.format('%s on sequence %I.%I', l.privilege, s.name, c.relname)
  FROM level l, space s, pg_catalog.pg_class c
  WHERE l.object = 'sequence' AND c.relnamespace = s.oid AND c.oid NOT IN (SELECT w.oid FROM withheld w) AND c.relkind = 'S' AND NOT pg_catalog.has_sequence_privilege(:'role', c.oid, l.privilege)
  UNION ALL
  SELECT DISTINCT pg_catalog.format('what role %I will create in schema %I', owner.rolname, s.name)
  FROM space s JOIN pg_catalog.pg_class c ON c.relnamespace = s.oid AND c.oid NOT IN (SELECT w.oid FROM withheld w) JOIN pg_catalog.pg_roles owner ON owner.oid = c.relowner
  WHERE owner.rolname <> :'access'
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_default_acl d CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) a
                    JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
                    WHERE d.defaclrole = owner.oid AND d.defaclnamespace = s.oid AND d.defaclobjtype = 'r' AND r.rolname = :'access')
)
SELECT coalesce(pg_catalog.json_agg(l.text), '[]') AS lacking FROM (SELECT text FROM lack ORDER BY text LIMIT 20) l \gset
SELECT 'pgbind ' || pg_catalog.json_build_object('lacks', :'lacking'::json) WHERE :'lacking' <> '[]';
SELECT 'pgbind ' || pg_catalog.json_build_object('noSchemas', pg_catalog.json_agg(s.name ORDER BY s.name))
FROM pg_catalog.json_to_recordset(:'schemas') AS s(name name, key text)
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = s.name) HAVING pg_catalog.count(*) > 0;
