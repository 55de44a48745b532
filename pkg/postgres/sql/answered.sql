\echo 'pgbind {"answered": true}'
\endif
