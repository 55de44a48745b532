-- Another run dropped the access role after the grants: it had no member yet.
\if :absent
SELECT 'pgbind ' || pg_catalog.json_build_object('vanished', :'subject');
\quit
\endif
