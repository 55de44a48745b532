-- The proof: this session is the login role's own.
SELECT pg_catalog.set_config('search_path', '', false) AS ignored \gset
\set method ''
\if :tells_method
SELECT coalesce(system_user, 'trust') AS method \gset
\endif
SELECT 'pgbind ' || pg_catalog.json_build_object('login', pg_catalog.json_build_object(
           'sessionUser', session_user, 'currentUser', current_user, 'host', :'HOST', 'method', :'method', 'standby', pg_catalog.pg_is_in_recovery()));
SELECT pg_catalog.format('host=%s port=%s %s', :'HOST', :'PORT', :'login') AS conn \gset
