-- Rolls back the adoption of the role :subject in this run: it leaves the access role, acts as itself again, and has no
-- comment. The password stays.
\if :ours
SELECT s.text, pg_catalog.format('SELECT %L', 'pgbind ' || pg_catalog.json_build_object('did', s.text)::text)
FROM (
  SELECT 1 AS place, pg_catalog.format('ALTER ROLE %I IN DATABASE %I RESET role', r.rolname, d.datname) AS text
  FROM pg_catalog.pg_roles r JOIN pg_catalog.pg_db_role_setting s ON s.setrole = r.oid JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase, pg_catalog.unnest(s.setconfig) config
  WHERE r.rolname = :'subject' AND d.datname = pg_catalog.current_database() AND config = 'role=' || :'access'
  UNION ALL
  SELECT 2, pg_catalog.format('REVOKE %I FROM %I', a.rolname, r.rolname)
  FROM pg_catalog.pg_roles r JOIN pg_catalog.pg_auth_members m ON m.member = r.oid JOIN pg_catalog.pg_roles a ON a.oid = m.roleid
  WHERE r.rolname = :'subject' AND a.rolname = :'access'
  UNION ALL
  SELECT 3, pg_catalog.format('COMMENT ON ROLE %I IS NULL', :'subject')
) s ORDER BY s.place \gexec
\endif
