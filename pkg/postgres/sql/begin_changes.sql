-- Begins the changes of privileges. They hold no lock on roles, so they delay no other bind, and wait at most 3 s for a
-- lock of another session. The commit of the login role writes them to disk. An administrator who is not a superuser
-- joins the access roles for them, in one transaction. An error rolls back only the failed statement.
\if :superuser
\else
BEGIN;
SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('pgbind', 0)) AS ignored \gset
\set ON_ERROR_ROLLBACK on
\endif
SET lock_timeout = '3s' \;
SET synchronous_commit = off;
