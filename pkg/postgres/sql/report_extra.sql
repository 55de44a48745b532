-- Reports the statements of :extra.
SELECT 'pgbind ' || pg_catalog.json_build_object('exceeds', pg_catalog.json_agg(e.text ORDER BY e.text))
FROM (SELECT l.text FROM pg_catalog.json_to_recordset(:'extra') AS l(text text) ORDER BY l.text LIMIT 20) e HAVING pg_catalog.count(*) > 0;
