-- Resets the default privileges that the roles :grantees set for objects that they create to PostgreSQL's own. Those of
-- a single schema are empty.
WITH made AS (
  SELECT r.rolname, d.defaclrole AS owner, d.defaclobjtype AS type, d.defaclacl AS acl, n.nspname,
         CASE WHEN n.oid IS NULL THEN pg_catalog.acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END, d.defaclrole) END AS own
  FROM pg_catalog.pg_default_acl d JOIN pg_catalog.pg_roles r ON r.oid = d.defaclrole LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
  WHERE r.rolname IN (SELECT pg_catalog.json_array_elements_text(:'grantees')) AND pg_catalog.pg_has_role(r.oid, 'USAGE')
), change AS (
  SELECT m.*, 'REVOKE' AS verb, 'FROM' AS preposition, a.grantee, a.privilege_type FROM made m CROSS JOIN LATERAL pg_catalog.aclexplode(m.acl) a
  WHERE NOT EXISTS (SELECT FROM pg_catalog.aclexplode(m.own) o WHERE o.grantee = a.grantee AND o.privilege_type = a.privilege_type)
  UNION ALL
  SELECT m.*, 'GRANT', 'TO', a.grantee, a.privilege_type FROM made m CROSS JOIN LATERAL pg_catalog.aclexplode(m.own) a
  WHERE NOT EXISTS (SELECT FROM pg_catalog.aclexplode(m.acl) o WHERE o.grantee = a.grantee AND o.privilege_type = a.privilege_type)
), statement AS (
  SELECT pg_catalog.format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s %s %s ON %s %s %s', c.rolname, ' IN SCHEMA ' || pg_catalog.quote_ident(c.nspname), c.verb,
                           pg_catalog.string_agg(c.privilege_type, ', ' ORDER BY c.privilege_type),
                           CASE c.type WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END,
                           c.preposition, coalesce(pg_catalog.quote_ident(g.rolname), 'PUBLIC')) AS text
  FROM change c LEFT JOIN pg_catalog.pg_roles g ON g.oid = c.grantee
  GROUP BY c.rolname, c.nspname, c.verb, c.preposition, c.type, g.rolname
)
SELECT s.text, pg_catalog.format('SELECT %L', 'pgbind ' || pg_catalog.json_build_object('did', s.text)::text) FROM statement s ORDER BY s.text \gexec
