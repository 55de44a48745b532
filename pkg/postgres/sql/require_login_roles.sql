-- Checks that createuser has created the login roles of :logins, and reports all that are missing. A role that gets no
-- new password must already be able to log in.
SELECT pg_catalog.count(*) > 0 AS incomplete, coalesce(pg_catalog.json_agg(l.name ORDER BY l.name), '[]') AS lacking
FROM pg_catalog.json_to_recordset(:'logins') AS l(name name, set bool) LEFT JOIN pg_catalog.pg_roles r ON r.rolname = l.name
WHERE r.oid IS NULL OR NOT l.set AND NOT r.rolcanlogin \gset
\if :incomplete
SELECT 'pgbind ' || pg_catalog.json_build_object('incomplete', :'lacking'::json);
\quit
\endif
-- The run that sets the password owns the role from now on: the roll-back of an earlier run no longer finds its own run
-- ID. The same holds for a run that adopts the role.
SELECT pg_catalog.format('COMMENT ON ROLE %I IS %L', l.name, l.mark)
FROM pg_catalog.json_to_recordset(:'logins') AS l(name name, mark text, set bool, adopt bool) WHERE l.set OR l.adopt \gexec
