-- Reports what prevents the drop of the role :subject on the whole server.
SELECT 'pgbind ' || pg_catalog.json_build_object('holder', pg_catalog.json_build_object(
           'role', r.rolname,
           'oid', r.oid::int8,
           'newOwner', :'new_owner',
           'access', :'access_role',
           'level', :'access_level',
           'canLogin', r.rolcanlogin,
           'members', (SELECT pg_catalog.json_agg(u.rolname ORDER BY u.rolname)
                       FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles u ON u.oid = m.member
                       WHERE m.roleid = r.oid AND u.rolname <> current_user AND NOT (m.admin_option AND u.rolsuper)),
           'sessions', (SELECT pg_catalog.jsonb_agg(a ORDER BY a.database, a.state)
                        FROM (SELECT coalesce(a.datname, '') AS database, coalesce(a.state, 'unknown') AS state, pg_catalog.count(*) AS count
                              FROM pg_catalog.pg_stat_activity a WHERE a.usesysid = r.oid GROUP BY 1, 2) a),
           'prepared', (SELECT pg_catalog.jsonb_agg(p ORDER BY p.database, p.name)
                        FROM (SELECT x.gid AS name, x.database FROM pg_catalog.pg_prepared_xacts x WHERE x.owner = r.rolname) p)))
FROM pg_catalog.pg_roles r WHERE r.rolname = :'subject';
