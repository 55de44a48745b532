-- Before 16 the server does not report the authentication method. If a login without a password succeeds too, the
-- password has verified nothing. A client without a password disconnects when the server asks for one: psql ends, and
-- the server neither logs a failure nor delays, as it does for a wrong password. The login goes to the host that the
-- last login reached.
\if :from_16
\else
\setenv PGPASSWORD
\connect -reuse-previous=off :"conn"
SELECT pg_catalog.concat('pgbind ', pg_catalog.json_build_object('trust', true));
\endif
