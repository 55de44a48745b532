COMMIT;
\set VERBOSITY verbose
\echo 'pgbind {"committed": true}'
