SELECT 'pgbind ' || pg_catalog.json_build_object('end', :'run');
