-- Reports the statements of :extra.
SELECT 'pgbind ' || pg_catalog.json_build_object('exceeds', pg_catalog.json_agg(e.text ORDER BY e.place))
FROM (SELECT * FROM pg_catalog.json_array_elements_text(:'extra') WITH ORDINALITY l(text, place) ORDER BY l.place LIMIT 20) e HAVING pg_catalog.count(*) > 0;
