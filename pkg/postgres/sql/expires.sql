SELECT text, pg_catalog.format('SELECT %L', 'pgbind ' || pg_catalog.json_build_object('did', text)::text)
FROM (
  SELECT pg_catalog.format('ALTER ROLE %I VALID UNTIL %L', r.rolname, :'valid_until') AS text
  FROM pg_catalog.pg_roles r
  WHERE r.rolname = :'role' AND nullif(:'valid_until', '')::timestamptz <> coalesce(r.rolvaliduntil, 'infinity')
) change \gexec
