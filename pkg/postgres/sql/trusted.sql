-- A wrong password that works as well has proved nothing.
SELECT 'pgbind ' || pg_catalog.json_build_object('trust', true);
