-- The login role is there, made by createuser; without a new password it must already be able to log in.
SELECT :'absent'::bool OR NOT :'set_password'::bool AND NOT :'can_login'::bool AS incomplete \gset
\if :incomplete
SELECT 'pgbind ' || pg_catalog.json_build_object('incomplete', true);
\quit
\endif
-- Whoever sets the password answers for the role: an earlier run's undo no longer finds its own run id.
SELECT pg_catalog.format('COMMENT ON ROLE %I IS %L', :'role', :'role_mark') WHERE :'set_password'::bool \gexec
