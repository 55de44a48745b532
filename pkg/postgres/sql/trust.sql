-- Before 16 the server does not tell how it let us in. Where no password works as well, the right one has proved nothing. A client that has
-- none goes away when it is asked, and psql with it, which no log tells and no delay punishes, as they do with a wrong one.
\if :tells_method
\else
\setenv PGPASSWORD
\set conn 'host=' :HOST ' port=' :PORT ' ' :login
\connect -reuse-previous=off :"conn"
SELECT 'pgbind ' || pg_catalog.json_build_object('trust', true);
\endif
