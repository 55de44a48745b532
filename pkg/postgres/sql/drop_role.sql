-- Rolls back the role :subject if its comment is still the one of this run, or if it has none.
\if :absent
\else
DROP ROLE :"subject";
SELECT 'pgbind ' || pg_catalog.json_build_object('did', pg_catalog.format('DROP ROLE %I', :'subject'));
\endif
