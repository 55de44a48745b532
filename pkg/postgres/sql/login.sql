-- The proof: the password is asked for on the way over the network, never on the socket or the loopback address.
\connect -reuse-previous=off :"conn"
-- Only there it is a word.
\set method '\'\''
\if :tells_method
\set method 'coalesce(system_user, \'trust\')'
\endif
-- One message to the server, and so one transaction: who acts as the access role does not see how its own session is encrypted, which is
-- for the role that logged in.
SELECT pg_catalog.set_config('search_path', '', false), pg_catalog.set_config('pgbind.acts_as', current_user, true) \;
SET LOCAL ROLE none \;
SELECT 'pgbind ' || pg_catalog.json_build_object('login', pg_catalog.json_build_object(
           'sessionUser', session_user, 'currentUser', pg_catalog.current_setting('pgbind.acts_as'), 'host', :'HOST', 'method', :method,
           'standby', pg_catalog.pg_is_in_recovery(),
           'ssl', (SELECT s.ssl FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) s)));
