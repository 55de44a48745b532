-- Logs in as the role over the network, where the server asks for the password. It does not ask on the socket or the loopback address.
\setenv PGOPTIONS
\connect -reuse-previous=off :"conn"
-- system_user exists from PostgreSQL 16 on.
\set method '\'\''
\if :from_16
\set method 'coalesce(system_user, \'trust\')'
\endif
\set acts_as current_user
\set ssl false
\if :encrypts
-- One message to the server is one transaction. A session that acts as the access role does not see how it is
-- encrypted; only the login role does.
SELECT FROM pg_catalog.set_config('pgbind.acts_as', current_user, true) \;
SET LOCAL ROLE none \;
\set acts_as 'pg_catalog.current_setting(\'pgbind.acts_as\')'
\set ssl '(SELECT s.ssl FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) s)'
\endif
-- No operators and only qualified names: the search path has no effect.
SELECT pg_catalog.concat('pgbind ', pg_catalog.json_build_object('login', pg_catalog.json_build_object(
           'sessionUser', session_user, 'currentUser', :acts_as, 'host', :'HOST', 'method', :method,
           'standby', pg_catalog.pg_is_in_recovery(), 'ssl', :ssl)));
