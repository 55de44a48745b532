-- Who takes over what the role :subject owns: the access role that it is a member of. Whoever administers a role of its own could mark
-- it as one and grant it to ours, so that such a role inherits nothing.
SELECT coalesce((
  SELECT r.rolname
  FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles r ON r.oid = m.roleid
  WHERE m.member = (SELECT l.oid FROM pg_catalog.pg_roles l WHERE l.rolname = :'subject')
    AND pg_catalog.starts_with(pg_catalog.shobj_description(r.oid, 'pg_authid'), 'pgbind/v1 access=')
    AND r.oid >= 16384 AND NOT (r.rolcanlogin OR r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_auth_members a JOIN pg_catalog.pg_roles holder ON holder.oid = a.member
                    WHERE a.roleid = r.oid AND a.admin_option AND NOT holder.rolsuper AND holder.rolname <> current_user)
  ORDER BY r.rolname LIMIT 1), '') AS heir \gset
