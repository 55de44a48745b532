-- Ends the script. The session can be that of the login role, with its own search path: use no operators and only qualified names.
SELECT pg_catalog.concat('pgbind ', pg_catalog.json_build_object('end', :'run'));
