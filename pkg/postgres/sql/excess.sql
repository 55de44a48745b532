-- What the login role holds in its schemas beyond its level, as the statements that take it away. What PUBLIC has is everybody's, and an owner's rights are its own.
WITH level AS (
  SELECT l.object, l.privilege
  FROM pg_catalog.json_to_recordset(:'levels') AS l(level text, object text, privilege text) WHERE l.level = :'level'
), space AS (
  SELECT n.oid, n.nspname, n.nspacl, n.nspowner FROM pg_catalog.json_to_recordset(:'schemas') AS s(name name, key text)
  JOIN pg_catalog.pg_namespace n ON n.nspname = s.name
), thing AS (
  SELECT 'schema' AS kind, pg_catalog.format('SCHEMA %I', s.nspname) AS object, s.nspacl AS acl, s.nspowner AS owner FROM space s
  UNION ALL
  SELECT CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END,
         pg_catalog.format(CASE c.relkind WHEN 'S' THEN 'SEQUENCE %I.%I' ELSE 'TABLE %I.%I' END, s.nspname, c.relname), c.relacl, c.relowner
  FROM space s JOIN pg_catalog.pg_class c ON c.relnamespace = s.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
), excess AS (
  SELECT pg_catalog.format('REVOKE %s ON %s FROM %I', pg_catalog.string_agg(held.privilege_type, ', ' ORDER BY held.privilege_type), t.object, r.rolname) AS text
  FROM thing t CROSS JOIN LATERAL pg_catalog.aclexplode(t.acl) held JOIN pg_catalog.pg_roles r ON r.oid = held.grantee
  WHERE held.grantee <> t.owner AND pg_catalog.pg_has_role(:'role', held.grantee, 'USAGE')
    AND NOT EXISTS (SELECT FROM level l WHERE l.object = t.kind AND l.privilege = held.privilege_type)
  GROUP BY t.object, r.rolname
)
SELECT 'pgbind ' || pg_catalog.json_build_object('exceeds', pg_catalog.json_agg(text)) FROM (SELECT text FROM excess ORDER BY text LIMIT 20) l HAVING pg_catalog.count(*) > 0;
