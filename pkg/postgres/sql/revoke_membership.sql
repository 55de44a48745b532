-- Ends what grant_membership.sql granted.
SELECT s.text, pg_catalog.format('SELECT %L', 'pgbind ' || pg_catalog.json_build_object('did', s.text)::text)
FROM (
  SELECT pg_catalog.format('REVOKE %I FROM %I', a.rolname, r.rolname) AS text
  FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles r ON r.oid = m.member AND r.rolname = :'former_login' JOIN pg_catalog.pg_roles a ON a.oid = m.roleid AND a.rolname = :'access'
) s \gexec
