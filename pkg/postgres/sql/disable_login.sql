SELECT pg_catalog.format('ALTER ROLE %I NOLOGIN', :'subject'),
       pg_catalog.format('SELECT %L', 'pgbind ' || pg_catalog.json_build_object('did', pg_catalog.format('ALTER ROLE %I NOLOGIN', :'subject')))
WHERE :'can_login'::bool \gexec
