-- Before 16 the server does not tell how it let us in. Where no password works as well, the right one has proved nothing. A client that has
-- none goes away when it is asked, and psql with it, which no log tells and no delay punishes, as they do with a wrong one. It goes where the last
-- login went, whichever of its hosts that was.
\if :tells_method
\else
\setenv PGPASSWORD
\connect -reuse-previous=off :"conn"
SELECT pg_catalog.concat('pgbind ', pg_catalog.json_build_object('trust', true));
\endif
