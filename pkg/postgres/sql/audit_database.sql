-- Reports what an audit needs from the catalogs of the database :database.
BEGIN TRANSACTION READ ONLY;
SELECT 'pgbind ' || pg_catalog.json_build_object('audit', pg_catalog.json_build_object('create', pg_catalog.json_build_object(
         'database', :'database', 'schema', n.nspname)))
FROM pg_catalog.pg_namespace n CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) a
WHERE a.grantee = 0 AND a.privilege_type = 'CREATE'
ORDER BY n.nspname;

SELECT 'pgbind ' || pg_catalog.json_build_object('audit', pg_catalog.json_build_object('owner', pg_catalog.json_build_object(
         'database', :'database', 'role', r.rolname, 'relations', pg_catalog.sum(o.relation::int),
         'routines', pg_catalog.sum((NOT o.relation)::int))))
FROM (SELECT c.relowner AS owner, true AS relation, 'pg_catalog.pg_class'::regclass AS class, c.oid FROM pg_catalog.pg_class c
      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
      UNION ALL
      SELECT p.proowner, false, 'pg_catalog.pg_proc'::regclass, p.oid FROM pg_catalog.pg_proc p) o
JOIN pg_catalog.pg_roles r ON r.oid = o.owner
WHERE o.oid >= 16384 AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = o.class AND d.objid = o.oid AND d.deptype = 'e')
GROUP BY r.rolname ORDER BY r.rolname;

-- The default search_path begins with the schema that has the name of the role, so a role that can create objects there
-- decides what the role's unqualified names mean.
SELECT 'pgbind ' || pg_catalog.json_build_object('audit', pg_catalog.json_build_object('shadow', pg_catalog.json_build_object(
         'database', :'database', 'schema', n.nspname, 'creators', pg_catalog.json_agg(DISTINCT coalesce(c.rolname::text, 'PUBLIC')))))
FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_roles o ON o.rolname = n.nspname AND o.rolcanlogin
CROSS JOIN LATERAL (SELECT n.nspowner AS role
                    UNION
                    SELECT a.grantee FROM pg_catalog.aclexplode(n.nspacl) a WHERE a.privilege_type = 'CREATE') g
LEFT JOIN pg_catalog.pg_roles c ON c.oid = g.role
WHERE g.role = 0 OR c.oid <> o.oid AND NOT c.rolsuper AND (o.rolsuper OR NOT pg_catalog.pg_has_role(o.oid, c.oid, 'MEMBER'))
GROUP BY n.nspname ORDER BY n.nspname;

-- A function or an operator that can fit better than the one of pg_catalog runs when a role that has its schema in the
-- search_path calls it without a schema.
SELECT 'pgbind ' || pg_catalog.json_build_object('audit', pg_catalog.json_build_object('overload', pg_catalog.json_build_object(
         'database', :'database', 'schema', n.nspname, 'object', l.object, 'owner', r.rolname)))
FROM (SELECT pg_catalog.format('function %s', p.oid::regprocedure) AS object, p.pronamespace AS namespace, p.proowner AS owner
      FROM pg_catalog.pg_proc p
      WHERE p.oid >= 16384
        AND EXISTS (SELECT FROM pg_catalog.pg_proc b WHERE b.pronamespace = 'pg_catalog'::regnamespace AND b.proname = p.proname AND b.pronargs = p.pronargs)
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_proc b
                        WHERE b.pronamespace = 'pg_catalog'::regnamespace AND b.proname = p.proname AND b.proargtypes = p.proargtypes)
      UNION ALL
      SELECT pg_catalog.format('operator %s', p.oid::regoperator), p.oprnamespace, p.oprowner
      FROM pg_catalog.pg_operator p
      WHERE p.oid >= 16384
        AND EXISTS (SELECT FROM pg_catalog.pg_operator b WHERE b.oprnamespace = 'pg_catalog'::regnamespace AND b.oprname = p.oprname)
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_operator b
                        WHERE b.oprnamespace = 'pg_catalog'::regnamespace AND b.oprname = p.oprname AND b.oprleft = p.oprleft AND b.oprright = p.oprright)) l
JOIN pg_catalog.pg_namespace n ON n.oid = l.namespace JOIN pg_catalog.pg_roles r ON r.oid = l.owner AND NOT r.rolsuper
-- Only roles that can use the schema can call it.
WHERE EXISTS (SELECT FROM pg_catalog.aclexplode(n.nspacl) a WHERE a.privilege_type = 'USAGE' AND a.grantee <> r.oid)
ORDER BY l.object LIMIT 20;
