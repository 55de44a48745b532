-- DROP ROLE fails where the role owns or holds something in any database.
\if :mine
DROP ROLE :"subject";
SELECT 'pgbind ' || pg_catalog.json_build_object('did', pg_catalog.format('DROP ROLE %I', :'subject'));
\endif
