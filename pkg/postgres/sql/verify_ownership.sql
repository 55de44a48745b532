-- Decides whether the script may change the roles of :subjects. A role belongs to the binding only if its comment begins
-- with its claim. A script that changes roles runs this under the lock. If the OID is known, a role of the same name with another OID counts as
-- absent. A role that is adopted has no comment yet. It must inherit the privileges of its access role, and have
-- nothing to do with roles that no binding may use.
\set with_password '[]'
\if :superuser
SELECT coalesce(pg_catalog.json_agg(a.rolname), '[]') AS with_password
FROM pg_catalog.pg_authid a JOIN pg_catalog.json_to_recordset(:'subjects') AS s(name name) ON s.name = a.rolname
WHERE a.rolpassword IS NOT NULL \gset
\endif
WITH judged AS MATERIALIZED (
  SELECT s.name, coalesce(r.rolcanlogin, false) AS can_login, h.administrators,
         CASE
           WHEN r.oid IS NULL THEN 'absent'
           WHEN r.oid < 16384 OR r.rolname ~ '^pg_' OR r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls THEN 'privileged'
           -- From 16 on, a role with the ADMIN option on another one can comment on it, set its password and join it: a
           -- binding does not use such a role. To disable and drop it harms no other role. Before 16, a login can grant
           -- that option on itself, but cannot comment. A superuser uses what another administrator created, who has
           -- CREATEROLE and got the option for it.
           WHEN NOT :'leaving'::bool AND NOT (NOT :'from_16'::bool AND pg_catalog.starts_with(d.mark, s.claim)) AND h.administrators IS NOT NULL THEN 'administered'
           WHEN pg_catalog.starts_with(d.mark, s.claim) THEN 'ours'
           -- What a run leaves that died right after createuser.
           WHEN d.mark IS NULL AND NOT r.rolcanlogin AND NOT (:'with_password'::jsonb ? r.rolname::text)
                AND NOT EXISTS (SELECT FROM pg_catalog.pg_auth_members m
                                JOIN pg_catalog.pg_roles member ON member.oid = m.member
                                WHERE m.member = r.oid OR m.roleid = r.oid AND member.rolname <> current_user AND NOT (:'superuser'::bool AND m.admin_option AND member.rolcreaterole))
                AND NOT EXISTS (SELECT FROM pg_catalog.pg_shdepend h
                                WHERE h.refclassid = 'pg_catalog.pg_authid'::regclass AND h.refobjid = r.oid
                                  AND h.classid <> 'pg_catalog.pg_auth_members'::regclass) THEN 'pristine'
           WHEN s.adopt AND d.mark IS NULL AND r.rolcanlogin THEN
             CASE
               WHEN NOT r.rolinherit THEN 'noinherit'
               WHEN EXISTS (SELECT FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles member ON member.oid = m.member
                            WHERE m.roleid = r.oid AND NOT member.rolsuper AND member.rolname <> current_user
                              AND NOT (:'superuser'::bool AND m.admin_option AND member.rolcreaterole)) THEN 'group'
               WHEN EXISTS (SELECT FROM pg_catalog.pg_roles u WHERE u.oid <> r.oid AND pg_catalog.pg_has_role(r.oid, u.oid, 'MEMBER')
                            AND (u.oid < 16384 OR u.rolsuper OR u.rolcreaterole OR u.rolcreatedb OR u.rolreplication OR u.rolbypassrls)) THEN 'member'
               ELSE 'ours'
             END
           WHEN s.adopt AND d.mark IS NOT NULL THEN 'commented'
           ELSE 'foreign'
         END AS verdict,
         pg_catalog.concat_ws(', ', CASE WHEN r.oid < 16384 OR r.rolname ~ '^pg_' THEN 'it belongs to PostgreSQL' END, CASE WHEN r.rolsuper THEN 'SUPERUSER' END,
                              CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END, CASE WHEN r.rolcreatedb THEN 'CREATEDB' END,
                              CASE WHEN r.rolreplication THEN 'REPLICATION' END, CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END) AS why
  FROM pg_catalog.json_to_recordset(:'subjects') AS s(name name, claim text, oid bigint, adopt bool)
  LEFT JOIN pg_catalog.pg_roles r ON r.rolname = s.name AND s.oid IN (0, r.oid)
  LEFT JOIN LATERAL (SELECT pg_catalog.shobj_description(r.oid, 'pg_authid') AS mark) d ON true
  LEFT JOIN LATERAL (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object('role', holder.rolname, 'creates', holder.rolcreaterole,
             'revoke', pg_catalog.format('REVOKE ADMIN OPTION FOR %I FROM %I', r.rolname, holder.rolname)) ORDER BY holder.rolname) AS administrators
    FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles holder ON holder.oid = m.member
    WHERE m.roleid = r.oid AND m.admin_option AND NOT holder.rolsuper AND holder.rolname <> current_user AND NOT (:'superuser'::bool AND holder.rolcreaterole)) h ON true
)
SELECT pg_catalog.bool_and(verdict = 'ours') AS ours, pg_catalog.bool_and(verdict = 'pristine') AS pristine,
       pg_catalog.bool_and(verdict = 'absent') AS absent, pg_catalog.bool_and(can_login) AS can_login,
       pg_catalog.bool_or(verdict NOT IN ('ours', 'pristine', 'absent')) AS refused,
       pg_catalog.json_agg(pg_catalog.json_build_object('role', name, 'verdict', verdict, 'why', why, 'administrators', administrators) ORDER BY verdict IN ('ours', 'pristine', 'absent')) -> 0 AS refusal
FROM judged \gset
\if :refused
SELECT 'pgbind ' || pg_catalog.json_build_object('refused', :'refusal'::json);
\quit
\endif
