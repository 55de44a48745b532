-- The proof logs in as well. It needs a connection that the login roles of :logins may still have.
SELECT 'pgbind ' || pg_catalog.json_build_object('about', l.number, 'full', r.rolconnlimit)
FROM pg_catalog.json_to_recordset(:'logins') AS l(number int, name name) JOIN pg_catalog.pg_roles r ON r.rolname = l.name AND r.rolconnlimit > 0
JOIN (SELECT a.usesysid AS role, pg_catalog.count(*) AS sessions FROM pg_catalog.pg_stat_activity a GROUP BY a.usesysid) used ON used.role = r.oid
WHERE used.sessions >= r.rolconnlimit
ORDER BY l.number;
