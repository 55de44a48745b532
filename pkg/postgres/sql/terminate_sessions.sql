-- Ends the sessions of the role, which can no longer log in.
SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(a.pid)) AS ignored
FROM pg_catalog.pg_stat_activity a
WHERE a.usesysid = (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = :'subject' AND NOT r.rolcanlogin) \gset
