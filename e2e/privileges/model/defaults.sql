-- Prints the default privileges that the role :login gets by any of its roles: creator, schema, kind, privilege.
SELECT jsonb_build_object('creator', d.creator, 'schema', coalesce(n.nspname, ''), 'kind', d.defaclobjtype, 'privilege',
                          a.privilege_type || CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM (SELECT d.*, c.rolname AS creator FROM pg_default_acl d JOIN pg_roles c ON c.oid = d.defaclrole) d CROSS JOIN LATERAL aclexplode(d.defaclacl) a
LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
WHERE a.grantee <> 0 AND a.grantee <> d.defaclrole AND pg_has_role(:'login', a.grantee, 'MEMBER');
