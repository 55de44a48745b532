-- Creates the owner role of the binding, if the role :subject owns something and :new_owner is that role, and grants it to
-- the binding's other login roles. Objects that belong to no database count in each database.
SELECT NOT :'new_owner_is_access'::bool AND EXISTS (
         SELECT FROM pg_catalog.pg_shdepend s JOIN pg_catalog.pg_roles r ON r.oid = s.refobjid AND r.rolname = :'subject'
         WHERE s.refclassid = 'pg_catalog.pg_authid'::regclass AND s.deptype = 'o'
           AND s.classid NOT IN ('pg_catalog.pg_default_acl'::regclass, 'pg_catalog.pg_user_mapping'::regclass)
           AND s.dbid IN (0, (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))) AS needs_owner \gset
\if :needs_owner
SELECT r.oid IS NULL AS creates_owner,
       r.oid IS NOT NULL AND NOT (coalesce(pg_catalog.starts_with(pg_catalog.shobj_description(r.oid, 'pg_authid'), :'owner_claim'), false)
         AND r.oid >= 16384 AND NOT (r.rolcanlogin OR r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls)
         AND NOT EXISTS (SELECT FROM pg_catalog.pg_auth_members a JOIN pg_catalog.pg_roles holder ON holder.oid = a.member
                         WHERE a.roleid = r.oid AND a.admin_option AND NOT holder.rolsuper AND holder.rolname <> current_user)) AS owner_is_foreign
FROM (SELECT :'new_owner'::name AS name) wanted LEFT JOIN pg_catalog.pg_roles r ON r.rolname = wanted.name \gset
\if :owner_is_foreign
SELECT 'pgbind ' || pg_catalog.json_build_object('refused', pg_catalog.json_build_object('role', :'new_owner', 'verdict', 'foreign'));
\quit
\endif
\if :creates_owner
CREATE ROLE :"new_owner";
COMMENT ON ROLE :"new_owner" IS :'owner_mark';
SELECT 'pgbind ' || pg_catalog.json_build_object('did', pg_catalog.format('CREATE ROLE %I NOLOGIN', :'new_owner'));
\endif
SELECT pg_catalog.format('GRANT %I TO %I', :'new_owner', r.rolname), pg_catalog.format('SELECT %L', 'pgbind ' || pg_catalog.json_build_object('did', pg_catalog.format('GRANT %I TO %I', :'new_owner', r.rolname))::text)
FROM pg_catalog.pg_roles r
WHERE pg_catalog.starts_with(pg_catalog.shobj_description(r.oid, 'pg_authid'), :'claim') AND r.rolname <> :'subject' AND r.rolcanlogin
  AND r.oid >= 16384 AND NOT (r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_auth_members a JOIN pg_catalog.pg_roles holder ON holder.oid = a.member
                  WHERE a.roleid = r.oid AND a.admin_option AND NOT holder.rolsuper AND holder.rolname <> current_user)
  AND NOT pg_catalog.pg_has_role(r.oid, (SELECT h.oid FROM pg_catalog.pg_roles h WHERE h.rolname = :'new_owner'), 'MEMBER') \gexec
\endif
