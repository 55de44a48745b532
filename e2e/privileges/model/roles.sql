-- Prints the roles that the role :login is a member of, its own included, and each attribute beyond a plain login.
SELECT r.rolname FROM pg_roles r WHERE pg_has_role(:'login', r.oid, 'MEMBER')
UNION ALL
SELECT 'ADMIN of ' || r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles o ON o.oid = m.member
WHERE m.admin_option AND pg_has_role(:'login', o.oid, 'MEMBER')
UNION ALL
SELECT a.name FROM pg_roles r,
  LATERAL (VALUES ('SUPERUSER', r.rolsuper), ('CREATEROLE', r.rolcreaterole), ('CREATEDB', r.rolcreatedb), ('REPLICATION', r.rolreplication),
                  ('BYPASSRLS', r.rolbypassrls), ('NOLOGIN', NOT r.rolcanlogin)) a(name, holds)
WHERE r.rolname = :'login' AND a.holds
ORDER BY 1;
