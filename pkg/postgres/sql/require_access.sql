-- Ends the script if another run has dropped the access role since the grants: it had no member yet.
SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = :'access') AS vanished \gset
\if :vanished
SELECT 'pgbind ' || pg_catalog.json_build_object('vanished', :'access');
\quit
\endif
