BEGIN;
\if :superuser
-- Cluster-wide, and no login can hold it against us; an advisory lock is neither.
LOCK TABLE pg_catalog.pg_authid IN SHARE ROW EXCLUSIVE MODE;
\else
SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('pgbind', 0)) AS ignored \gset
\endif
