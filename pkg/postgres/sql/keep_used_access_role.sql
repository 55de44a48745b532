\if :mine
\else
SELECT NOT :'absent'::bool AS stays \gset
\if :stays
SELECT 'pgbind ' || pg_catalog.json_build_object('stays', true);
\quit
\endif
\endif
