-- Prints every privilege of the database, one in a line: a JSON array of the object, the privilege with its grant
-- option, the grantee, and the grantor.
WITH held(class, oid, sub, acl) AS (
  SELECT 'pg_class'::regclass, c.oid, 0, coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))
  FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  UNION ALL SELECT 'pg_class', a.attrelid, a.attnum, a.attacl FROM pg_attribute a WHERE a.attacl IS NOT NULL
  UNION ALL SELECT 'pg_proc', p.oid, 0, coalesce(p.proacl, acldefault('f', p.proowner)) FROM pg_proc p WHERE p.oid >= 16384 OR p.proacl IS NOT NULL
  UNION ALL SELECT 'pg_type', t.oid, 0, coalesce(t.typacl, acldefault('T', t.typowner)) FROM pg_type t WHERE t.oid >= 16384 AND t.typelem = 0
  UNION ALL SELECT 'pg_namespace', n.oid, 0, coalesce(n.nspacl, acldefault('n', n.nspowner)) FROM pg_namespace n WHERE n.nspname !~ 'temp_'
  UNION ALL SELECT 'pg_database', d.oid, 0, coalesce(d.datacl, acldefault('d', d.datdba)) FROM pg_database d
  UNION ALL SELECT 'pg_language', l.oid, 0, coalesce(l.lanacl, acldefault('l', l.lanowner)) FROM pg_language l
  UNION ALL SELECT 'pg_foreign_data_wrapper', f.oid, 0, coalesce(f.fdwacl, acldefault('F', f.fdwowner)) FROM pg_foreign_data_wrapper f
  UNION ALL SELECT 'pg_foreign_server', s.oid, 0, coalesce(s.srvacl, acldefault('S', s.srvowner)) FROM pg_foreign_server s
  UNION ALL SELECT 'pg_tablespace', s.oid, 0, coalesce(s.spcacl, acldefault('t', s.spcowner)) FROM pg_tablespace s
  UNION ALL SELECT 'pg_largeobject', l.oid, 0, coalesce(l.lomacl, acldefault('L', l.lomowner)) FROM pg_largeobject_metadata l
  UNION ALL SELECT 'pg_default_acl', d.oid, 0, d.defaclacl FROM pg_default_acl d
)
SELECT json_build_array(pg_describe_object(h.class, h.oid, h.sub), a.privilege_type || CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END,
                        CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END, pg_get_userbyid(a.grantor))
FROM held h CROSS JOIN LATERAL aclexplode(h.acl) a;
