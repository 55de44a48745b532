-- Sets :extra to the statements that make the direct privileges of the roles :grantees in this database equal to their
-- level: everything else that was granted to them is revoked. The rights of an owner and those of PUBLIC are no direct
-- grants. Each statement has a field that is true if this administrator can run it: a REVOKE removes what the owner
-- granted, and only a superuser or a member of the owner can act as the owner.
SELECT pg_catalog.to_regclass('pg_catalog.pg_parameter_acl') IS NOT NULL AS has_parameters \gset
\set parameters 'SELECT 0::oid, NULL::text, NULL::text, NULL::text, NULL::oid, NULL::aclitem[] WHERE false'
\if :has_parameters
\set parameters 'SELECT 0::oid, \'other\', pg_catalog.format(\'PARAMETER %I\', p.parname), \'\', 10::oid, p.paracl FROM pg_catalog.pg_parameter_acl p'
\endif
WITH level AS (
  SELECT l.object, l.privilege
  FROM pg_catalog.json_to_recordset(:'levels') AS l(level text, object text, privilege text) WHERE l.level = :'level'
), space AS (
  SELECT n.oid FROM pg_catalog.json_to_recordset(:'schemas') AS s(name name, key text)
  JOIN pg_catalog.pg_namespace n ON n.nspname = s.name AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e')
), grantee AS (
  SELECT r.oid, r.rolname FROM pg_catalog.pg_roles r WHERE r.rolname IN (SELECT pg_catalog.json_array_elements_text(:'grantees'))
), isolated AS (
  -- Other roles get no privileges on what such a role owns.
  SELECT r.oid FROM pg_catalog.pg_roles r WHERE pg_catalog.shobj_description(r.oid, 'pg_authid') ~ '^pgbind/v1 access=\S+ on=\S+ isolated=true '
), withheld AS (
  SELECT (w ->> 'oid')::oid AS oid FROM pg_catalog.json_array_elements(:'withheld') w
  UNION
  SELECT c.oid FROM pg_catalog.pg_class c WHERE c.relowner IN (SELECT i.oid FROM isolated i)
), object AS (
  SELECT 0::oid AS relation, CASE WHEN d.datname = pg_catalog.current_database() THEN 'database' ELSE 'other' END AS kind,
         pg_catalog.format('DATABASE %I', d.datname) AS name, '' AS columns, d.datdba AS owner, d.datacl AS acl
  FROM pg_catalog.pg_database d
  UNION ALL
  SELECT 0, CASE WHEN s.oid IS NULL THEN 'other' ELSE 'schema' END, pg_catalog.format('SCHEMA %I', n.nspname), '', n.nspowner, n.nspacl
  FROM pg_catalog.pg_namespace n LEFT JOIN space s ON s.oid = n.oid
  UNION ALL
  SELECT c.oid, CASE WHEN s.oid IS NULL OR w.oid IS NOT NULL THEN 'other' WHEN c.relkind = 'S' THEN 'sequence' ELSE 'table' END,
         pg_catalog.format(CASE c.relkind WHEN 'S' THEN 'SEQUENCE %I.%I' ELSE 'TABLE %I.%I' END, n.nspname, c.relname), '', c.relowner, c.relacl
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN space s ON s.oid = n.oid LEFT JOIN withheld w ON w.oid = c.oid
  UNION ALL
  SELECT c.oid, 'other', pg_catalog.format('TABLE %I.%I', n.nspname, c.relname), pg_catalog.format(' (%I)', a.attname), c.relowner, a.attacl
  FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
  UNION ALL
  -- regprocedure carries no argument modes, by which two procedures may differ; an aggregate's ORDER BY is not part of its name.
  SELECT 0, 'other', CASE WHEN p.prokind IN ('a', 'w') THEN pg_catalog.format('FUNCTION %s', p.oid::regprocedure)
                       ELSE pg_catalog.format('%s %I.%I(%s)', CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, n.nspname, p.proname,
                                              pg_catalog.pg_get_function_identity_arguments(p.oid)) END, '', p.proowner, p.proacl
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  UNION ALL
  SELECT 0, 'other', pg_catalog.format('TYPE %I.%I', n.nspname, t.typname), '', t.typowner, t.typacl
  FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
  UNION ALL
  SELECT 0, 'other', pg_catalog.format('LANGUAGE %I', l.lanname), '', l.lanowner, l.lanacl FROM pg_catalog.pg_language l
  UNION ALL
  SELECT 0, 'other', pg_catalog.format('LARGE OBJECT %s', m.oid), '', m.lomowner, m.lomacl FROM pg_catalog.pg_largeobject_metadata m
  UNION ALL
  SELECT 0, 'other', pg_catalog.format('FOREIGN SERVER %I', f.srvname), '', f.srvowner, f.srvacl FROM pg_catalog.pg_foreign_server f
  UNION ALL
  SELECT 0, 'other', pg_catalog.format('FOREIGN DATA WRAPPER %I', f.fdwname), '', f.fdwowner, f.fdwacl FROM pg_catalog.pg_foreign_data_wrapper f
  UNION ALL
  SELECT 0, 'other', pg_catalog.format('TABLESPACE %I', t.spcname), '', t.spcowner, t.spcacl FROM pg_catalog.pg_tablespace t
  UNION ALL :parameters
), extra AS (
  SELECT pg_catalog.format('REVOKE %s ON %s FROM %I',
                           pg_catalog.string_agg(DISTINCT held.privilege_type || o.columns, ', '), o.name, g.rolname) AS text,
         held.grantor = o.owner AND pg_catalog.pg_has_role(o.owner, 'USAGE') AS may, o.relation
  FROM object o CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) held JOIN grantee g ON g.oid = held.grantee
  WHERE o.acl IS NOT NULL AND held.grantee <> o.owner
    AND NOT EXISTS (SELECT FROM level l WHERE l.object = o.kind AND l.privilege = held.privilege_type)
  GROUP BY o.relation, o.name, g.rolname, may
  UNION ALL
  SELECT pg_catalog.format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s REVOKE %s ON %s FROM %I', c.rolname,
                           ' IN SCHEMA ' || pg_catalog.quote_ident(n.nspname), pg_catalog.string_agg(held.privilege_type, ', ' ORDER BY held.privilege_type),
                           CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES'
                                                WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END, g.rolname),
         pg_catalog.pg_has_role(c.oid, 'USAGE'), 0
  FROM pg_catalog.pg_default_acl d CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) held JOIN grantee g ON g.oid = held.grantee
  JOIN pg_catalog.pg_roles c ON c.oid = d.defaclrole LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
  WHERE held.grantee <> d.defaclrole
    AND NOT EXISTS (SELECT FROM level l JOIN space s ON s.oid = d.defaclnamespace
                    WHERE d.defaclrole NOT IN (SELECT i.oid FROM isolated i) AND l.object = CASE d.defaclobjtype WHEN 'r' THEN 'table' WHEN 'S' THEN 'sequence' END AND l.privilege = held.privilege_type)
  GROUP BY c.oid, c.rolname, n.nspname, d.defaclobjtype, g.rolname
)
SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('text', e.text, 'may', e.may, 'relation', e.relation) ORDER BY e.text), '[]') AS extra FROM extra e \gset
