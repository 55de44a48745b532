-- Marks the answers to question number :about, if its role and its database exist.
SELECT :'there'::bool AND EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = :'role') AS answerable \gset
\echo 'pgbind {"about":' :about '}'
\if :answerable
