\if :mine
REASSIGN OWNED BY :"subject" TO CURRENT_USER;
DROP OWNED BY :"subject" RESTRICT;
DROP ROLE :"subject";
SELECT 'pgbind ' || pg_catalog.json_build_object('did', pg_catalog.format('DROP ROLE %I', :'subject'));
\endif
