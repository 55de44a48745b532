-- Runs the statements of :extra, where the administrator may: an administrator who is no superuser leaves what others own, and check reports it.
SELECT l.text, pg_catalog.format('SELECT %L', 'pgbind ' || pg_catalog.json_build_object('did', l.text)::text)
FROM pg_catalog.json_array_elements_text(:'extra') WITH ORDINALITY l(text, place) ORDER BY l.place \gexec
