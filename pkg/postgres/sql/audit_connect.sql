-- Connects to the database :database. A \connect that fails ends psql, so the name is reported before.
SELECT 'pgbind ' || pg_catalog.json_build_object('audit', pg_catalog.json_build_object('enter', :'database'));
\connect -reuse-previous=on :"conn"
