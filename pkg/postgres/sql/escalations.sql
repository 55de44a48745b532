-- Reports foreign keys by which code of an application may run as another role: PostgreSQL compares the values as the
-- owner of the referenced table, with any implicit cast between the columns' types. An existing foreign key survives
-- the revocation of REFERENCES. The query reads all tables of roles that kubectl pgbind created, and of their members.
WITH ours AS (
  SELECT r.oid FROM pg_catalog.pg_roles r WHERE pg_catalog.starts_with(pg_catalog.shobj_description(r.oid, 'pg_authid'), 'pgbind/v1 ')
), key AS (
  SELECT c.oid, c.conrelid, c.confrelid, c.conname, c.conparentid, t.relowner AS owner, f.relowner AS runs_as, f.relname, f.relnamespace
  FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_class t ON t.oid = c.conrelid JOIN pg_catalog.pg_class f ON f.oid = c.confrelid
  WHERE c.contype = 'f' AND t.relowner <> f.relowner
    AND EXISTS (SELECT FROM ours o WHERE pg_catalog.pg_has_role(t.relowner, o.oid, 'MEMBER') AND NOT (SELECT s.rolsuper FROM pg_catalog.pg_roles s WHERE s.oid = t.relowner))
    AND (EXISTS (
           SELECT FROM ROWS FROM (pg_catalog.unnest(c.conkey), pg_catalog.unnest(c.confkey)) l(here, there)
           JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = l.here JOIN pg_catalog.pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = l.there
           JOIN pg_catalog.pg_type x ON x.oid = a.atttypid JOIN pg_catalog.pg_type y ON y.oid = b.atttypid
           WHERE x.oid <> y.oid AND (x.typnamespace <> 'pg_catalog'::regnamespace OR y.typnamespace <> 'pg_catalog'::regnamespace))
         OR EXISTS (
           SELECT FROM pg_catalog.unnest(c.conpfeqop || c.conppeqop || c.conffeqop) held(operator)
           JOIN pg_catalog.pg_operator o ON o.oid = held.operator JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode
           WHERE p.pronamespace <> 'pg_catalog'::regnamespace
             AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_roles s ON s.oid = p.proowner AND s.rolsuper
                             WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')))
), line AS (
  SELECT pg_catalog.format('foreign key %I of table %s of role %I runs code of that role as %I, the owner of %I.%I', k.conname, k.conrelid::regclass,
                           o.rolname, r.rolname, n.nspname, k.relname) AS what,
         pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT %I', coalesce(p.conrelid, k.conrelid)::regclass, coalesce(p.conname, k.conname)) AS fix
  FROM key k JOIN pg_catalog.pg_roles o ON o.oid = k.owner JOIN pg_catalog.pg_roles r ON r.oid = k.runs_as
  JOIN pg_catalog.pg_namespace n ON n.oid = k.relnamespace LEFT JOIN pg_catalog.pg_constraint p ON p.oid = k.conparentid
)
SELECT 'pgbind ' || pg_catalog.json_build_object('escalations', pg_catalog.json_agg(pg_catalog.json_build_object('what', l.what, 'fix', l.fix)))
FROM (SELECT * FROM line ORDER BY what LIMIT 20) l HAVING pg_catalog.count(*) > 0;
