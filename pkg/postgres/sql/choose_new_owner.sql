-- Sets :new_owner to the role that gets what the role :subject owns: the access role of level all of which it is a member,
-- else the owner role of its binding. At the levels readonly and readwrite, nothing goes to the access role, which
-- other workloads share. A role that another role administers gets nothing, because that role could have forged its
-- comment and granted it to the subject.
WITH access AS (
  SELECT r.rolname, pg_catalog.substr(pg_catalog.split_part(pg_catalog.shobj_description(r.oid, 'pg_authid'), ' ', 2), 8) AS level
  FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles r ON r.oid = m.roleid
  WHERE m.member = (SELECT l.oid FROM pg_catalog.pg_roles l WHERE l.rolname = :'subject')
    AND pg_catalog.starts_with(pg_catalog.shobj_description(r.oid, 'pg_authid'), 'pgbind/v1 access=')
    AND r.oid >= 16384 AND NOT (r.rolcanlogin OR r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_auth_members a JOIN pg_catalog.pg_roles holder ON holder.oid = a.member
                    WHERE a.roleid = r.oid AND a.admin_option AND NOT holder.rolsuper AND holder.rolname <> current_user)
)
SELECT coalesce((SELECT a.rolname FROM access a ORDER BY a.level <> 'all', a.rolname LIMIT 1), '') AS access_role,
       coalesce((SELECT a.level FROM access a ORDER BY a.level <> 'all', a.rolname LIMIT 1), '') AS access_level,
       coalesce((SELECT a.rolname FROM access a WHERE a.level = 'all' ORDER BY a.rolname LIMIT 1), :'owner_role') AS new_owner,
       EXISTS (SELECT FROM access a WHERE a.level = 'all') AS new_owner_is_access \gset
