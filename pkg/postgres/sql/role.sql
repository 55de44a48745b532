-- Checks that createuser has created the login roles of :logins. A role that gets no new password must already be able to log in.
SELECT pg_catalog.count(*) > 0 AS incomplete, pg_catalog.min(l.name::text) AS lacking
FROM pg_catalog.json_to_recordset(:'logins') AS l(name name, set bool) LEFT JOIN pg_catalog.pg_roles r ON r.rolname = l.name
WHERE r.oid IS NULL OR NOT l.set AND NOT r.rolcanlogin \gset
\if :incomplete
SELECT 'pgbind ' || pg_catalog.json_build_object('incomplete', :'lacking');
\quit
\endif
-- The run that sets the password owns the role from now on: the roll-back of an earlier run no longer finds its own run ID.
SELECT pg_catalog.format('COMMENT ON ROLE %I IS %L', l.name, l.mark)
FROM pg_catalog.json_to_recordset(:'logins') AS l(name name, mark text, set bool) WHERE l.set \gexec
