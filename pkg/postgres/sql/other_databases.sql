-- Reports the other databases that an application can use. A bind runs it in the database postgres, which is seldom the one that an
-- application means.
SELECT 'pgbind ' || pg_catalog.json_build_object('others', pg_catalog.json_agg(d.datname ORDER BY d.datname))
FROM pg_catalog.pg_database d
WHERE d.datallowconn AND d.datconnlimit <> -2 AND NOT d.datistemplate AND d.datname <> pg_catalog.current_database()
HAVING pg_catalog.count(*) > 0;
