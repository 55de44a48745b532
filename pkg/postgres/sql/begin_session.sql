-- COMMIT does not wait for a synchronous standby, which can be down.
SET synchronous_commit = local \;
SELECT pg_catalog.current_setting('is_superuser') AS superuser,
       pg_catalog.pg_is_in_recovery() AS standby,
       pg_catalog.current_setting('ssl') AS encrypts,
       pg_catalog.json_build_object('server', pg_catalog.json_build_object(
           'version', pg_catalog.current_setting('server_version_num')::int,
           'standby', pg_catalog.pg_is_in_recovery(),
           'superuser', pg_catalog.current_setting('is_superuser')::bool)) AS server,
       pg_catalog.current_setting('server_version_num')::int >= 160000 AS from_16,
       -- Decided when a transaction begins: a sampled one is logged whole, with the statement that carries the verifier.
       CASE WHEN pg_catalog.current_setting('is_superuser')::bool
           THEN pg_catalog.set_config('log_transaction_sample_rate', '0', false) END AS ignored \gset
\echo 'pgbind ':server
\if :standby
\quit
\endif
