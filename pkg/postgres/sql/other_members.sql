-- Sets :is_shared if login roles other than :own_login are members of the access role. They could have prepared code in
-- what it owns, such as an index or a rule, that would run as the next owner.
SELECT coalesce(pg_catalog.json_agg(r.rolname ORDER BY r.rolname), '[]') AS sharers, pg_catalog.count(*) > 0 AS is_shared
FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles r ON r.oid = m.member JOIN pg_catalog.pg_roles a ON a.oid = m.roleid
WHERE a.rolname = :'access' AND r.rolcanlogin AND r.rolname NOT IN (:'former_login', :'own_login', current_user) \gset
SELECT 'pgbind ' || pg_catalog.json_build_object('sharers', :'sharers'::json) WHERE :'is_shared'::bool;
