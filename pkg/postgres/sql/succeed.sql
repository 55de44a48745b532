-- The role :role becomes what the role :former is, and no more: what Kubernetes says of a binding cannot widen it.
SELECT text, pg_catalog.format('SELECT %L', 'pgbind ' || pg_catalog.json_build_object('did', text)::text)
FROM (
  SELECT pg_catalog.format('GRANT %I TO %I', r.rolname, :'role') AS text
  FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles r ON r.oid = m.roleid
  WHERE m.member = (SELECT f.oid FROM pg_catalog.pg_roles f WHERE f.rolname = :'former')
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_auth_members has WHERE has.roleid = m.roleid
                    AND has.member = (SELECT n.oid FROM pg_catalog.pg_roles n WHERE n.rolname = :'role'))
  UNION
  SELECT pg_catalog.format('ALTER ROLE %I IN DATABASE %I SET role TO %I', :'role', d.datname, pg_catalog.substr(setting, 6))
  FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase, pg_catalog.unnest(s.setconfig) setting
  WHERE s.setrole = (SELECT f.oid FROM pg_catalog.pg_roles f WHERE f.rolname = :'former' AND f.rolname <> :'role')
    AND pg_catalog.starts_with(setting, 'role=')
  UNION
  SELECT pg_catalog.format('ALTER ROLE %I CONNECTION LIMIT %s VALID UNTIL %L', :'role', f.rolconnlimit, coalesce(f.rolvaliduntil, 'infinity'))
  FROM pg_catalog.pg_roles f WHERE f.rolname = :'former' AND f.rolname <> :'role' AND (f.rolconnlimit <> -1 OR f.rolvaliduntil IS NOT NULL)
) change ORDER BY text \gexec
SELECT 'pgbind ' || pg_catalog.json_build_object('actsAs', coalesce((
           SELECT pg_catalog.substr(setting, 6)
           FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase, pg_catalog.unnest(s.setconfig) setting
           WHERE s.setrole = (SELECT n.oid FROM pg_catalog.pg_roles n WHERE n.rolname = :'role')
             AND d.datname = pg_catalog.current_database() AND pg_catalog.starts_with(setting, 'role=')), :'role'));
