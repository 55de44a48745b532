-- The session may be that of the role that logged in, with its own search path: no operator, and complete names.
SELECT pg_catalog.concat('pgbind ', pg_catalog.json_build_object('end', :'run'));
