-- Sets :extra to the statements that revoke what the roles :grantees hold in their own name in this database and in
-- :schemas: they have it by their access role, if its level grants it. What no level grants in a schema stays: on
-- relations of :withheld, on routines and on types.
WITH grantee AS (
  SELECT r.oid, r.rolname FROM pg_catalog.pg_roles r WHERE r.rolname IN (SELECT pg_catalog.json_array_elements_text(:'grantees'))
), space AS (
  SELECT n.oid, n.nspname, n.nspowner, n.nspacl FROM pg_catalog.json_to_recordset(:'schemas') AS s(name name, key text) JOIN pg_catalog.pg_namespace n ON n.nspname = s.name
), relation AS (
  SELECT c.oid, c.relkind, c.relowner, c.relacl, pg_catalog.format('%I.%I', s.nspname, c.relname) AS name
  FROM space s JOIN pg_catalog.pg_class c ON c.relnamespace = s.oid
  WHERE c.oid NOT IN (SELECT (w ->> 'oid')::oid FROM pg_catalog.json_array_elements(:'withheld') w)
), object AS (
  SELECT 0::oid AS relation, pg_catalog.format('DATABASE %I', d.datname) AS name, '' AS columns, d.datdba AS owner, d.datacl AS acl
  FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()
  UNION ALL
  SELECT 0, pg_catalog.format('SCHEMA %I', s.nspname), '', s.nspowner, s.nspacl FROM space s
  UNION ALL
  SELECT c.oid, CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || c.name, '', c.relowner, c.relacl FROM relation c
  UNION ALL
  SELECT c.oid, 'TABLE ' || c.name, pg_catalog.format(' (%I)', a.attname), c.relowner, a.attacl
  FROM relation c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attacl IS NOT NULL AND NOT a.attisdropped
), extra AS (
  SELECT pg_catalog.format('REVOKE %s ON %s FROM %I', pg_catalog.string_agg(DISTINCT held.privilege_type || o.columns, ', '), o.name, g.rolname) AS text,
         held.grantor = o.owner AND pg_catalog.pg_has_role(o.owner, 'USAGE') AS may, o.relation
  FROM object o CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) held JOIN grantee g ON g.oid = held.grantee
  WHERE o.acl IS NOT NULL AND held.grantee <> o.owner
  GROUP BY o.relation, o.name, g.rolname, may
  UNION ALL
  SELECT pg_catalog.format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I REVOKE %s ON %s FROM %I', c.rolname, s.nspname,
                           pg_catalog.string_agg(held.privilege_type, ', ' ORDER BY held.privilege_type),
                           CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' ELSE 'SEQUENCES' END, g.rolname),
         pg_catalog.pg_has_role(c.oid, 'USAGE'), 0
  FROM pg_catalog.pg_default_acl d CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) held JOIN grantee g ON g.oid = held.grantee
  JOIN pg_catalog.pg_roles c ON c.oid = d.defaclrole JOIN space s ON s.oid = d.defaclnamespace
  WHERE held.grantee <> d.defaclrole AND d.defaclobjtype IN ('r', 'S')
  GROUP BY c.oid, c.rolname, s.nspname, d.defaclobjtype, g.rolname
)
SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('text', e.text, 'may', e.may, 'relation', e.relation) ORDER BY e.text), '[]') AS extra FROM extra e \gset
