-- Reports who can log in, who is logged in, and by which rules, for an audit of the whole server. It reads catalogs
-- only, and of a password no more than its kind. What the administrator may not read is left out.
BEGIN TRANSACTION READ ONLY;
SELECT pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'SELECT') AS reads_passwords,
       pg_catalog.has_function_privilege('pg_catalog.pg_hba_file_rules()', 'EXECUTE')
         AND pg_catalog.has_table_privilege('pg_catalog.pg_hba_file_rules', 'SELECT') AS reads_rules,
       pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') AS reads_sessions,
       EXISTS (SELECT FROM pg_catalog.pg_settings t WHERE t.name = 'pg_stat_statements.max' AND t.context = 'postmaster') AS counts_statements \gset
SELECT 'pgbind ' || pg_catalog.json_build_object('audit', pg_catalog.json_build_object('access', pg_catalog.json_build_object(
         'passwords', :'reads_passwords'::bool, 'rules', :'reads_rules'::bool, 'sessions', :'reads_sessions'::bool,
         'statements', :'counts_statements'::bool,
         'ruleFile', CASE WHEN :'reads_rules'::bool THEN pg_catalog.current_setting('hba_file') END,
         'replication', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_replication))));

SELECT 'pgbind ' || pg_catalog.json_build_object('audit', pg_catalog.json_build_object('role', pg_catalog.json_build_object(
         'name', r.rolname, 'bootstrap', r.oid = 10, 'predefined', r.rolname ~ '^pg_', 'canLogin', r.rolcanlogin, 'superuser', r.rolsuper,
         'createRole', r.rolcreaterole, 'createDB', r.rolcreatedb, 'replication', r.rolreplication, 'bypassRLS', r.rolbypassrls,
         'validUntil', CASE WHEN pg_catalog.isfinite(r.rolvaliduntil) THEN r.rolvaliduntil END,
         'expired', coalesce(r.rolvaliduntil <= pg_catalog.now(), false),
         'mark', CASE WHEN pg_catalog.starts_with(d.mark, 'pgbind/v1 ') THEN d.mark END,
         'memberOf', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
                        'role', g.rolname, 'admin', m.admin_option,
                        -- PostgreSQL 16 has memberships that let a member neither use nor become the role.
                        'inherit', coalesce((pg_catalog.to_json(m) ->> 'inherit_option')::bool, r.rolinherit),
                        'set', coalesce((pg_catalog.to_json(m) ->> 'set_option')::bool, true)) ORDER BY g.rolname)
                      FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid))))
FROM pg_catalog.pg_roles r CROSS JOIN LATERAL (SELECT pg_catalog.shobj_description(r.oid, 'pg_authid') AS mark) d;

\if :reads_passwords
SELECT 'pgbind ' || pg_catalog.json_build_object('audit', pg_catalog.json_build_object('password', pg_catalog.json_build_object(
         'role', a.rolname, 'kind', CASE WHEN a.rolpassword IS NULL THEN 'none' WHEN pg_catalog.starts_with(a.rolpassword, 'SCRAM-SHA-256$') THEN 'scram'
                                         WHEN pg_catalog.starts_with(a.rolpassword, 'md5') THEN 'md5' ELSE 'other' END)))
FROM pg_catalog.pg_authid a WHERE a.rolcanlogin;
\endif

SELECT 'pgbind ' || pg_catalog.json_build_object('audit', pg_catalog.json_build_object('session', pg_catalog.json_build_object(
         'address', pg_catalog.host(a.client_addr), 'role', a.usename, 'database', a.datname, 'application', a.application_name,
         'count', pg_catalog.count(*), 'oldest', pg_catalog.min(a.backend_start))))
FROM pg_catalog.pg_stat_activity a
WHERE a.pid <> pg_catalog.pg_backend_pid() AND a.backend_type IN ('client backend', 'walsender')
GROUP BY a.client_addr, a.usename, a.datname, a.application_name;

-- The options of a rule can hold a password, so they stay on the server.
\if :reads_rules
SELECT 'pgbind ' || pg_catalog.json_build_object('audit', pg_catalog.json_build_object('rule', pg_catalog.json_build_object(
         'file', pg_catalog.to_json(h) ->> 'file_name', 'line', h.line_number, 'type', h.type, 'databases', h.database, 'users', h.user_name,
         'address', h.address, 'netmask', h.netmask, 'method', h.auth_method)))
FROM pg_catalog.pg_hba_file_rules h WHERE h.error IS NULL
ORDER BY coalesce((pg_catalog.to_json(h) ->> 'rule_number')::int, h.line_number);
\endif

SELECT 'pgbind ' || pg_catalog.json_build_object('audit', pg_catalog.json_build_object('database', pg_catalog.json_build_object(
         'name', d.datname, 'owner', o.rolname, 'template', d.datistemplate, 'connectable', d.datallowconn AND d.datconnlimit <> -2,
         'public', (SELECT pg_catalog.json_agg(a.privilege_type ORDER BY a.privilege_type)
                    FROM pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) a WHERE a.grantee = 0))))
FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles o ON o.oid = d.datdba
ORDER BY d.datname;
COMMIT;
