-- Decides whether the role :subject may be touched. It is ours only if its comment, read under the lock, begins with :claim. Where its
-- oid is known, another role of that name is absent.
\if :{?subject_oid}
\else
\set subject_oid 0
\endif
\set has_password false
\if :superuser
SELECT pg_catalog.count(*) > 0 AS has_password FROM pg_catalog.pg_authid a WHERE a.rolname = :'subject' AND a.rolpassword IS NOT NULL \gset
\endif
SELECT CASE
         WHEN r.oid IS NULL THEN 'absent'
         WHEN r.oid < 16384 OR r.rolname ~ '^pg_' OR r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls THEN 'privileged'
         -- From 16 on, who holds the ADMIN option on a role can comment on it, set its password and join it.
         WHEN EXISTS (SELECT FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles holder ON holder.oid = m.member
                      WHERE m.roleid = r.oid AND m.admin_option AND NOT holder.rolsuper AND holder.rolname <> current_user) THEN 'administered'
         WHEN pg_catalog.starts_with(d.mark, :'claim') THEN 'ours'
         -- What a run leaves that died right after createuser.
         WHEN d.mark IS NULL AND NOT r.rolcanlogin AND NOT :'has_password'::bool
              AND NOT EXISTS (SELECT FROM pg_catalog.pg_auth_members m
                              WHERE m.member = r.oid OR m.roleid = r.oid AND m.member <> (SELECT o.oid FROM pg_catalog.pg_roles o WHERE o.rolname = current_user))
              AND NOT EXISTS (SELECT FROM pg_catalog.pg_shdepend s
                              WHERE s.refclassid = 'pg_catalog.pg_authid'::regclass AND s.refobjid = r.oid
                                AND s.classid <> 'pg_catalog.pg_auth_members'::regclass) THEN 'pristine'
         ELSE 'foreign'
       END AS verdict,
       coalesce(d.mark, '') AS mark,
       coalesce(r.rolcanlogin, false) AS can_login
FROM (SELECT :'subject'::name AS name) s
LEFT JOIN pg_catalog.pg_roles r ON r.rolname = s.name AND (:subject_oid = 0 OR r.oid = :subject_oid)
LEFT JOIN LATERAL (SELECT pg_catalog.shobj_description(r.oid, 'pg_authid') AS mark) d ON true \gset
SELECT :'verdict' = 'ours' AS ours, :'verdict' = 'pristine' AS pristine, :'verdict' = 'absent' AS absent,
       :'verdict' NOT IN ('ours', 'pristine', 'absent') AS refused \gset
\if :refused
SELECT 'pgbind ' || pg_catalog.json_build_object('refused', pg_catalog.json_build_object('role', :'subject', 'verdict', :'verdict'));
\quit
\endif
