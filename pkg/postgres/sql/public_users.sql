-- Reports who relies on the grants of :public: roles that can log in, are not of pgbind, and have the privilege from nobody else.
WITH granted AS (
  SELECT l.close, l.database, l.schema, s.privilege
  FROM pg_catalog.json_to_recordset(:'public') AS l(close text, database name, schema name, privileges json)
  CROSS JOIN LATERAL pg_catalog.json_array_elements_text(l.privileges) s(privilege)
), object AS (
  SELECT g.close, g.privilege, coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba)) AS acl
  FROM granted g JOIN pg_catalog.pg_database d ON d.datname = g.database
  UNION ALL
  SELECT g.close, g.privilege, coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))
  FROM granted g JOIN pg_catalog.pg_namespace n ON n.nspname = g.schema
), relying AS (
  SELECT DISTINCT o.close, r.rolname
  FROM object o CROSS JOIN pg_catalog.pg_roles r
  WHERE r.rolcanlogin AND NOT r.rolsuper
    AND NOT coalesce(pg_catalog.starts_with(pg_catalog.shobj_description(r.oid, 'pg_authid'), 'pgbind/v1 '), false)
    AND NOT EXISTS (SELECT FROM pg_catalog.aclexplode(o.acl) held
                    WHERE held.privilege_type = o.privilege AND held.grantee <> 0 AND pg_catalog.pg_has_role(r.oid, held.grantee, 'USAGE'))
)
SELECT 'pgbind ' || pg_catalog.json_build_object('relying', pg_catalog.json_build_object(
         'close', r.close, 'roles', pg_catalog.json_agg(r.rolname ORDER BY r.rolname)))
FROM relying r GROUP BY r.close;
