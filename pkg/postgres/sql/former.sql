-- Without the former role nobody knows what its successor may do.
\if :absent
SELECT 'pgbind ' || pg_catalog.json_build_object('gone', :'subject');
\quit
\endif
