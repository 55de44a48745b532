RESET lock_timeout \;
SET synchronous_commit = local;
\if :superuser
\else
COMMIT;
\set ON_ERROR_ROLLBACK off
\endif
