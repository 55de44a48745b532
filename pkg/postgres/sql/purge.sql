SELECT NOT :'mine'::bool AND NOT :'absent'::bool AS stays, current_user AS heir \gset
\if :stays
SELECT 'pgbind ' || pg_catalog.json_build_object('stays', true);
\quit
\endif
