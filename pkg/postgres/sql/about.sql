-- What follows is about question number :about, where its role and its database are there.
SELECT :'there'::bool AND EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = :'role') AS answerable \gset
\echo 'pgbind {"about":' :about '}'
\if :answerable
