-- Begins the answers to the questions whose numbers :about lists, and sets whether the access role :access of these
-- questions can be asked about.
SELECT :'there'::bool AND EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = :'access') AS answerable \gset
SELECT 'pgbind ' || pg_catalog.json_build_object('about', :'about'::json);
