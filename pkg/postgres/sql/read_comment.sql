SELECT 'pgbind ' || pg_catalog.json_build_object('mark', (
           SELECT pg_catalog.shobj_description(r.oid, 'pg_authid') FROM pg_catalog.pg_roles r WHERE r.rolname = :'role'));
