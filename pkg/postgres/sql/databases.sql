-- Reports the databases that an application can use. It reads one catalog and connects to none of the databases.
BEGIN TRANSACTION READ ONLY;
SELECT 'pgbind ' || pg_catalog.json_build_object('databases', coalesce(pg_catalog.json_agg(d.datname ORDER BY d.datname), pg_catalog.json_build_array()))
FROM pg_catalog.pg_database d
WHERE d.datallowconn AND d.datconnlimit <> -2 AND NOT d.datistemplate;
COMMIT;
