-- Ends idle sessions, such as those that a pool keeps open. A session between two statements of a transaction is not idle.
SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(a.pid)) AS ignored
FROM pg_catalog.pg_stat_activity a
WHERE a.usesysid = (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = :'subject') AND a.state = 'idle' \gset
