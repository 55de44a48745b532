-- Changes of privileges hold no lock on roles, so that they keep nobody from anything. They wait a little for what other sessions do to the same objects.
-- They reach the disk with the commit of the login role.
-- An administrator who is no superuser joins the access roles for them, in one transaction; an error takes back only the statement.
\if :superuser
\else
BEGIN;
SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('pgbind', 0)) AS ignored \gset
\set ON_ERROR_ROLLBACK on
\endif
SET lock_timeout = '3s' \;
SET synchronous_commit = off;
