-- Reports those of :extensions that this database lacks.
SELECT 'pgbind ' || pg_catalog.json_build_object('noExtensions', pg_catalog.json_agg(l.name))
FROM pg_catalog.json_array_elements_text(:'extensions') AS l(name)
WHERE l.name NOT IN (SELECT e.extname FROM pg_catalog.pg_extension e) HAVING pg_catalog.count(*) > 0;
