-- The login role has exactly this access role, and for level "all" it acts as it, so that what it creates belongs to all of the level.
SELECT text, pg_catalog.format('SELECT %L', 'pgbind ' || pg_catalog.json_build_object('did', text)::text)
FROM (
  SELECT pg_catalog.format('GRANT %I TO %I', :'access', :'role') AS text
  WHERE NOT pg_catalog.pg_has_role(:'role', :'access', 'MEMBER')
  UNION ALL
  SELECT pg_catalog.format('REVOKE %I FROM %I', r.rolname, :'role')
  FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles r ON r.oid = m.roleid
  WHERE m.member = (SELECT l.oid FROM pg_catalog.pg_roles l WHERE l.rolname = :'role') AND r.rolname <> :'access'
    AND pg_catalog.starts_with(pg_catalog.shobj_description(r.oid, 'pg_authid'), 'pgbind/v1 access=')
  UNION ALL
  SELECT CASE WHEN :'acts_as_access'::bool
              THEN pg_catalog.format('ALTER ROLE %I IN DATABASE %I SET role TO %I', :'role', pg_catalog.current_database(), :'access')
              ELSE pg_catalog.format('ALTER ROLE %I IN DATABASE %I RESET role', :'role', pg_catalog.current_database()) END
  WHERE :'acts_as_access'::bool <> EXISTS (
    SELECT FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase, pg_catalog.unnest(s.setconfig) config
    WHERE s.setrole = (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = :'role') AND d.datname = pg_catalog.current_database()
      AND (config = 'role=' || :'access' OR NOT :'acts_as_access'::bool AND pg_catalog.starts_with(config, 'role=')))
) change \gexec
