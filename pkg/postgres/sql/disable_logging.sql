-- Turns off the server's logs until COMMIT: only statements with a verifier follow.
\set VERBOSITY sqlstate
\if :superuser
SET LOCAL log_statement = 'none' \;
SET LOCAL log_min_duration_statement = -1 \;
SET LOCAL log_min_duration_sample = -1 \;
SET LOCAL log_min_error_statement = 'panic' \;
SET LOCAL pg_stat_statements.track = 'none' \;
SET LOCAL pgaudit.log = 'none';
-- The first of these settings exists from version 19 on.
SELECT pg_catalog.count(pg_catalog.set_config(name, 'off', true)) AS ignored
FROM pg_catalog.unnest('{debug_print_raw_parse,debug_print_parse,debug_print_rewritten,debug_print_plan}'::text[]) name
WHERE pg_catalog.current_setting(name, true) IS NOT NULL \gset
\endif
