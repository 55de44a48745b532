-- Makes the login roles of :logins members of this access role and the owner role of their binding, and of no other
-- access role. With level "all" they act as the access role, which owns what they create. Their passwords expire with
-- the binding, and they get the connection limit of the spec. Before 16, a login can grant itself to others, who would
-- keep its privileges. One statement at the end reports all changes.
WITH login AS (
  SELECT l.number, l.until, l.owner, l.owner_claim, l.connections, l.keep, r.oid, r.rolname, r.rolvaliduntil, r.rolconnlimit
  FROM pg_catalog.json_to_recordset(:'logins') AS l(number int, name name, until text, owner name, owner_claim text, connections int, keep bool) JOIN pg_catalog.pg_roles r ON r.rolname = l.name
), joining AS (
  SELECT l.number, l.rolname FROM login l WHERE NOT pg_catalog.pg_has_role(l.oid, :'access', 'MEMBER')
), change AS (
  SELECT l.number, pg_catalog.format('REVOKE %I FROM %I', r.rolname, l.rolname) AS text
  FROM login l JOIN pg_catalog.pg_auth_members m ON m.member = l.oid JOIN pg_catalog.pg_roles r ON r.oid = m.roleid
  WHERE r.rolname <> :'access' AND pg_catalog.starts_with(pg_catalog.shobj_description(r.oid, 'pg_authid'), 'pgbind/v1 access=')
  UNION ALL
  SELECT l.number, pg_catalog.format('GRANT %I TO %I', r.rolname, l.rolname)
  FROM login l JOIN pg_catalog.pg_roles r ON r.rolname = l.owner
  WHERE pg_catalog.starts_with(pg_catalog.shobj_description(r.oid, 'pg_authid'), l.owner_claim) AND r.oid >= 16384 AND NOT pg_catalog.pg_has_role(l.oid, r.oid, 'MEMBER')
    AND NOT (r.rolcanlogin OR r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_auth_members a JOIN pg_catalog.pg_roles holder ON holder.oid = a.member
                    WHERE a.roleid = r.oid AND a.admin_option AND NOT holder.rolsuper AND holder.rolname <> current_user)
  UNION ALL
  SELECT l.number, pg_catalog.format('REVOKE %I FROM %I', l.rolname, r.rolname)
  FROM login l JOIN pg_catalog.pg_auth_members m ON m.roleid = l.oid JOIN pg_catalog.pg_roles r ON r.oid = m.member
  WHERE NOT :'from_16'::bool AND NOT r.rolsuper AND r.rolname <> current_user
  UNION ALL
  SELECT l.number, CASE WHEN :'acts_as_access'::bool
                        THEN pg_catalog.format('ALTER ROLE %I IN DATABASE %I SET role TO %I', l.rolname, pg_catalog.current_database(), :'access')
                        ELSE pg_catalog.format('ALTER ROLE %I IN DATABASE %I RESET role', l.rolname, pg_catalog.current_database()) END
  FROM login l
  WHERE :'acts_as_access'::bool <> EXISTS (
    SELECT FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase, pg_catalog.unnest(s.setconfig) config
    WHERE s.setrole = l.oid AND d.datname = pg_catalog.current_database()
      AND (config = 'role=' || :'access' OR NOT :'acts_as_access'::bool AND pg_catalog.starts_with(config, 'role=')))
  UNION ALL
  SELECT l.number, pg_catalog.format('ALTER ROLE %I RESET role', l.rolname)
  FROM login l JOIN pg_catalog.pg_db_role_setting s ON s.setrole = l.oid AND s.setdatabase = 0, pg_catalog.unnest(s.setconfig) config
  WHERE pg_catalog.starts_with(config, 'role=')
  UNION ALL
  SELECT l.number, pg_catalog.format('ALTER ROLE %I VALID UNTIL %L', l.rolname, l.until)
  FROM login l WHERE nullif(l.until, '')::timestamptz <> coalesce(l.rolvaliduntil, 'infinity')
  UNION ALL
  -- A limit that only the metadata of the binding has may restrict, and never replaces another one.
  SELECT l.number, pg_catalog.format('ALTER ROLE %I CONNECTION LIMIT %s', l.rolname, l.connections)
  FROM login l WHERE l.connections <> l.rolconnlimit AND (NOT l.keep OR l.rolconnlimit = -1)
), report AS (
  SELECT 1 AS place, j.number, pg_catalog.format('GRANT %I TO %I', :'access', j.rolname) AS text FROM joining j
  UNION ALL
  SELECT 2, c.number, c.text FROM change c
)
SELECT text FROM (
  SELECT 1 AS place, 0 AS number, pg_catalog.format('GRANT %I TO %s', :'access', pg_catalog.string_agg(pg_catalog.quote_ident(j.rolname), ', ')) AS text
  FROM joining j HAVING pg_catalog.count(*) > 0
  UNION ALL
  SELECT 2, c.number, c.text FROM change c
  UNION ALL
  SELECT 3, 0, pg_catalog.format('SELECT %L', pg_catalog.string_agg(
           'pgbind ' || pg_catalog.json_build_object('about', r.number, 'did', r.text)::text, pg_catalog.chr(10) ORDER BY r.number, r.place, r.text))
  FROM report r HAVING pg_catalog.count(*) > 0
) statement ORDER BY place, number, text \gexec
