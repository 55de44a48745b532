-- Every login role that carries a binding's mark, whosever it is, and the roles :names, marked or not.
SELECT 'pgbind ' || pg_catalog.json_build_object('role', pg_catalog.json_build_object(
           'name', r.rolname, 'mark', d.mark, 'canLogin', r.rolcanlogin,
           'privileged', r.oid < 16384 OR r.rolname ~ '^pg_' OR r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls,
           'validUntil', CASE WHEN pg_catalog.isfinite(r.rolvaliduntil) THEN r.rolvaliduntil END,
           'expired', coalesce(r.rolvaliduntil <= pg_catalog.now(), false),
           'memberOf', (SELECT pg_catalog.json_agg(g.rolname ORDER BY g.rolname) FROM pg_catalog.pg_auth_members m
                        JOIN pg_catalog.pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid)))
FROM pg_catalog.pg_roles r
CROSS JOIN LATERAL (SELECT pg_catalog.shobj_description(r.oid, 'pg_authid') AS mark) d
WHERE pg_catalog.starts_with(d.mark, 'pgbind/v1 id=') OR r.rolname IN (SELECT pg_catalog.json_array_elements_text(:'names'));
SELECT 'pgbind ' || pg_catalog.json_build_object('databases', pg_catalog.json_agg(d.datname)) FROM pg_catalog.pg_database d;
