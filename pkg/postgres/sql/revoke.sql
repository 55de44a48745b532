-- Runs those statements of :extra that the administrator may run. check reports the others.
SELECT l.text, pg_catalog.format('SELECT %L', 'pgbind ' || pg_catalog.json_build_object('did', l.text)::text)
FROM pg_catalog.json_to_recordset(:'extra') AS l(text text, may bool) WHERE l.may ORDER BY l.text \gexec
