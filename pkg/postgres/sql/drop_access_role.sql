-- Drops the access role. DROP ROLE fails if the role owns something or has a grant in any database.
\if :mine
DROP ROLE :"subject";
SELECT 'pgbind ' || pg_catalog.json_build_object('did', pg_catalog.format('DROP ROLE %I', :'subject'));
\endif
