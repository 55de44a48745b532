-- Begins the answers to question number :question. Sets whether its login role exists, and :differs if this role can
-- have or own other things than its access role. Otherwise it shares the answers of the access role; :access_lacking is
-- one of them.
SELECT r.found AS role_exists, r.found AND :'there'::bool AND (
         :'access_lacking' <> '[]'
         OR NOT EXISTS (SELECT FROM pg_catalog.pg_roles a WHERE a.rolname = :'access' AND pg_catalog.pg_has_role(r.oid, a.oid, 'USAGE'))
         OR EXISTS (SELECT FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles a ON a.oid = m.roleid WHERE m.member = r.oid AND a.rolname <> :'access')
         OR EXISTS (SELECT FROM pg_catalog.pg_shdepend d LEFT JOIN pg_catalog.pg_database held ON held.oid = d.dbid
                    WHERE d.refclassid = 'pg_catalog.pg_authid'::regclass AND d.refobjid = r.oid
                      AND (d.dbid = 0 OR held.datname = pg_catalog.current_database()) AND d.classid <> 'pg_catalog.pg_auth_members'::regclass)
       ) AS differs
FROM (SELECT pg_catalog.max(l.oid::bigint)::oid AS oid, pg_catalog.count(*) > 0 AS found FROM pg_catalog.pg_roles l WHERE l.rolname = :'role') r \gset
SELECT 'pgbind ' || pg_catalog.json_build_object('question', :'question'::int, 'exists', :'role_exists'::bool, 'shares', NOT :'differs'::bool);
