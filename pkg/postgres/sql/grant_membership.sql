-- Lets the former login keep the rights of an owner until its sessions end. A superuser has them anyway.
SELECT s.text, pg_catalog.format('SELECT %L', 'pgbind ' || pg_catalog.json_build_object('did', s.text)::text)
FROM (
  SELECT pg_catalog.format('GRANT %I TO %I', :'access', r.rolname) AS text
  FROM pg_catalog.pg_roles r WHERE r.rolname = :'former_login' AND NOT r.rolsuper AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles a ON a.oid = m.roleid WHERE m.member = r.oid AND a.rolname = :'access')
) s \gexec
