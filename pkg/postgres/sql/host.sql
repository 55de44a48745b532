-- Also says that the transaction before it is committed.
SELECT :'host' || CASE WHEN :'host_complete'::bool OR :'domain' = '' THEN '' ELSE '.' || :'domain' END AS host \gset
SELECT 'pgbind ' || pg_catalog.json_build_object('host', :'host');
