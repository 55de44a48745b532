-- Drops the schema that this run created for the access role :access, if nothing is in it and no other binding uses the role.
SELECT pg_catalog.format('DROP SCHEMA %I RESTRICT', n.nspname), pg_catalog.format('SELECT %L', 'pgbind ' || pg_catalog.json_build_object('did', pg_catalog.format('DROP SCHEMA %I', n.nspname))::text)
FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_roles r ON r.oid = n.nspowner
WHERE n.nspname = :'new_schema' AND r.rolname = :'access' AND pg_catalog.obj_description(n.oid, 'pg_namespace') = :'schema_mark'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_auth_members m WHERE m.roleid = r.oid AND NOT m.admin_option
                    AND m.member <> (SELECT o.oid FROM pg_catalog.pg_roles o WHERE o.rolname = current_user))
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.refclassid = 'pg_catalog.pg_namespace'::regclass AND d.refobjid = n.oid AND d.classid <> 'pg_catalog.pg_default_acl'::regclass) \gexec
