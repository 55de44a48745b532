-- Who may grant everything has given all that is there; what others could not give is looked up.
\if :superuser
SELECT 'pgbind ' || pg_catalog.json_build_object('lacks', pg_catalog.json_agg(pg_catalog.format('schema %I does not exist', s.name) ORDER BY s.name))
FROM pg_catalog.json_to_recordset(:'schemas') AS s(name name, key text) LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = s.name
WHERE n.oid IS NULL HAVING pg_catalog.count(*) > 0;
\else
