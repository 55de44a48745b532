-- Ends the script if the former role does not exist: its privileges are then unknown.
\if :absent
SELECT 'pgbind ' || pg_catalog.json_build_object('gone', :'subject');
\quit
\endif
