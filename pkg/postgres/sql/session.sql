SET search_path = '' \;
-- Whoever may create a function or a schema could otherwise have the administrator run it by its name.
SET client_encoding = 'UTF8' \;
SET standard_conforming_strings = on \;
SET client_min_messages = warning \;
SET statement_timeout = '60s' \;
SET idle_in_transaction_session_timeout = '60s' \;
-- A synchronous standby that is away would hold every COMMIT for ever.
SET synchronous_commit = local \;

SELECT pg_catalog.current_setting('is_superuser') AS superuser,
       pg_catalog.pg_is_in_recovery() AS standby,
       pg_catalog.current_setting('ssl') AS encrypts,
       pg_catalog.json_build_object('server', pg_catalog.json_build_object(
           'version', pg_catalog.current_setting('server_version_num')::int,
           'standby', pg_catalog.pg_is_in_recovery(),
           'superuser', pg_catalog.current_setting('is_superuser')::bool)) AS server,
       pg_catalog.current_setting('server_version_num')::int >= 160000 AS tells_method,
       -- PostgreSQL 13 has no such setting.
       CASE WHEN pg_catalog.current_setting('idle_session_timeout', true) IS NOT NULL
           THEN pg_catalog.set_config('idle_session_timeout', '60s', false) END AS ignored,
       -- Decided when a transaction begins: a sampled one is logged whole, with the statement that carries the verifier.
       CASE WHEN pg_catalog.current_setting('is_superuser')::bool
           THEN pg_catalog.set_config('log_transaction_sample_rate', '0', false) END AS ignored \gset
\echo 'pgbind ':server
\if :standby
\quit
\endif
