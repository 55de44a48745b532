-- Reports the login role :old_owner, which a takeover replaces, its sessions in this database, and what the role :new_owner owns
-- already. Nothing changes.
SELECT 'pgbind ' || pg_catalog.json_build_object('formerLogin', pg_catalog.json_build_object(
         'exists', r.oid IS NOT NULL,
         'superuser', coalesce(r.rolsuper, false),
         'marked', coalesce(pg_catalog.starts_with(pg_catalog.shobj_description(r.oid, 'pg_authid'), 'pgbind/v1 '), false),
         'owned', :'before'::json,
         'statements', (SELECT pg_catalog.json_agg(l.text ORDER BY l.place, l.text) FROM pg_catalog.json_to_recordset(:'missing') AS l(text text, place int)),
         'stays', :'kept'::json,
         'sessions', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('address', a.address, 'application', a.application, 'count', a.sessions))
                      FROM (SELECT coalesce(pg_catalog.host(s.client_addr), '') AS address, coalesce(s.application_name, '') AS application, pg_catalog.count(*) AS sessions
                            FROM pg_catalog.pg_stat_activity s
                            WHERE s.usesysid = r.oid AND s.datname = pg_catalog.current_database() AND s.pid <> pg_catalog.pg_backend_pid() GROUP BY 1, 2) a)))
FROM (SELECT :'old_owner'::name AS name) wanted LEFT JOIN pg_catalog.pg_roles r ON r.rolname = wanted.name;
