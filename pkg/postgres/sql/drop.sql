-- Takes back the role :subject where it still carries the whole mark of this run, or was never marked.
\if :absent
\else
DROP ROLE :"subject";
SELECT 'pgbind ' || pg_catalog.json_build_object('did', pg_catalog.format('DROP ROLE %I', :'subject'));
\endif
