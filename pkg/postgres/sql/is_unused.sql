-- Sets whether the access role :subject can be dropped: it has no member, and owns nothing in any database.
SELECT :'ours'::bool
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles r ON r.oid = m.roleid WHERE r.rolname = :'subject' AND NOT m.admin_option
                     AND m.member <> (SELECT o.oid FROM pg_catalog.pg_roles o WHERE o.rolname = current_user))
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_shdepend s JOIN pg_catalog.pg_roles r ON r.oid = s.refobjid
                   WHERE s.refclassid = 'pg_catalog.pg_authid'::regclass AND r.rolname = :'subject' AND s.deptype = 'o'
                     AND s.classid <> 'pg_catalog.pg_default_acl'::regclass) AS mine \gset
