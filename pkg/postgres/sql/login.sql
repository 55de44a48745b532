-- The proof: the password is asked for on the way over the network, never on the socket or the loopback address.
SELECT pg_catalog.format('host=%s port=%s %s', pg_catalog.concat_ws(',', nullif(:'host', ''), nullif(:'pod_ip', '')),
                         pg_catalog.concat_ws(',', CASE WHEN :'host' <> '' THEN :'port' END, CASE WHEN :'pod_ip' <> '' THEN :'pod_port' END), :'login') AS conn \gset
\connect -reuse-previous=off :"conn"
SELECT pg_catalog.set_config('search_path', '', false) AS ignored \gset
\set method ''
\if :tells_method
SELECT coalesce(system_user, 'trust') AS method \gset
\endif
-- Who acts as the access role does not see how its own session is encrypted: that is for the role that logged in.
BEGIN;
SET LOCAL ROLE none;
SELECT s.ssl AS ssl FROM pg_catalog.pg_stat_ssl s WHERE s.pid = pg_catalog.pg_backend_pid() \gset
COMMIT;
SELECT 'pgbind ' || pg_catalog.json_build_object('login', pg_catalog.json_build_object(
           'sessionUser', session_user, 'currentUser', current_user, 'host', :'HOST', 'method', :'method', 'standby', pg_catalog.pg_is_in_recovery(),
           'ssl', :'ssl'::bool));
SELECT pg_catalog.format('host=%s port=%s %s', :'HOST', :'PORT', :'login') AS conn \gset
