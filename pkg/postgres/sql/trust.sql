-- Before 16 the server does not tell how it let us in. A wrong password that works as well has proved nothing.
\if :tells_method
\else
\connect -reuse-previous=off :"conn"
SELECT 'pgbind ' || pg_catalog.json_build_object('trust', true);
\endif
