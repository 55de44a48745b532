BEGIN;
\if :superuser
-- This lock covers all databases, and no login role can take it. An advisory lock has neither property.
LOCK TABLE pg_catalog.pg_authid IN SHARE ROW EXCLUSIVE MODE;
\else
SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('pgbind', 0)) AS ignored \gset
\endif
