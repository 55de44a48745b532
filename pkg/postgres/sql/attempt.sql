-- One login over the network, where the password is asked for. One that fails ends psql; the number of the attempt then tells which it was.
SELECT pg_catalog.format('host=%s port=%s %s', pg_catalog.concat_ws(',', nullif(:'host', ''), nullif(:'pod_ip', '')),
                         CASE WHEN :'host' = '' OR :'pod_ip' = '' THEN :'port' ELSE :'port' || ',' || :'pod_port' END, :'login') AS conn \gset
\echo 'pgbind {"attempt":' :about '}'
\connect -reuse-previous=off :"conn"
SELECT pg_catalog.set_config('search_path', '', false) AS ignored \gset
\set method ''
\if :tells_method
SELECT coalesce(system_user, 'trust') AS method \gset
\endif
SELECT 'pgbind ' || pg_catalog.json_build_object('login', pg_catalog.json_build_object(
           'sessionUser', session_user, 'currentUser', current_user, 'host', :'HOST', 'method', :'method', 'standby', pg_catalog.pg_is_in_recovery()));
SELECT pg_catalog.format('host=%s port=%s %s', :'HOST', :'PORT', :'login') AS conn \gset
