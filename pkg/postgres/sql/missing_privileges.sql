-- Sets :missing to the statements that grant what every access role of these schemas lacks of its level, existing
-- access roles included. To grant again what is granted would rewrite the catalog row of every table. Nothing is
-- granted on the relations of :withheld or of an isolated access role, and no level grants anything on routines: either
-- PUBLIC may execute them, or their owner revoked that on purpose.
WITH level AS (
  SELECT l.level, l.object, l.privilege
  FROM pg_catalog.json_to_recordset(:'levels') AS l(level text, object text, privilege text)
), space AS (
  SELECT n.oid, n.nspname, n.nspowner, n.nspacl, s.key
  FROM pg_catalog.json_to_recordset(:'schemas') AS s(name name, key text)
  JOIN pg_catalog.pg_namespace n ON n.nspname = s.name
), access AS (
  SELECT r.oid, r.rolname, pg_catalog.strpos(d.mark, ' isolated=true ') > 0 AS isolated, pg_catalog.substr(pg_catalog.split_part(d.mark, ' ', 2), 8) AS level, space.oid AS space
  FROM pg_catalog.pg_roles r
  CROSS JOIN LATERAL (SELECT pg_catalog.shobj_description(r.oid, 'pg_authid') AS mark) d
  JOIN space ON space.key = ANY (pg_catalog.string_to_array(pg_catalog.substr(pg_catalog.split_part(d.mark, ' ', 3), 4), ','))
  WHERE pg_catalog.starts_with(d.mark, 'pgbind/v1 access=') AND r.oid >= 16384
    AND NOT (r.rolcanlogin OR r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles holder ON holder.oid = m.member
                    WHERE m.roleid = r.oid AND m.admin_option AND NOT holder.rolsuper AND holder.rolname <> current_user AND NOT (:'superuser'::bool AND holder.rolcreaterole))
), relation AS (
  SELECT c.oid, c.relnamespace, c.relname, c.relkind, c.relowner, c.relacl FROM space JOIN pg_catalog.pg_class c ON c.relnamespace = space.oid
  WHERE c.oid NOT IN (SELECT (w ->> 'oid')::oid FROM pg_catalog.json_array_elements(:'withheld') w)
    AND c.relowner NOT IN (SELECT a.oid FROM access a WHERE a.isolated)
), routine AS (
  SELECT p.pronamespace, p.proowner FROM space JOIN pg_catalog.pg_proc p ON p.pronamespace = space.oid
  WHERE p.proowner NOT IN (SELECT a.oid FROM access a WHERE a.isolated)
), creator AS (
  SELECT DISTINCT space.oid AS space, space.nspname, r.oid, r.rolname
  FROM space
  CROSS JOIN LATERAL (
    SELECT c.relowner FROM relation c WHERE c.relnamespace = space.oid
    UNION SELECT p.proowner FROM routine p WHERE p.pronamespace = space.oid
    UNION SELECT space.nspowner
    UNION SELECT d.datdba FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()
    UNION SELECT a.oid FROM access a WHERE a.space = space.oid AND a.level = 'all' AND NOT a.isolated
    UNION SELECT u.oid FROM pg_catalog.pg_roles u WHERE u.rolname = current_user
  ) o(owner)
  JOIN pg_catalog.pg_roles r ON r.oid = o.owner AND r.rolname !~ '^pg_' AND pg_catalog.pg_has_role(r.oid, 'USAGE')
), wanted AS (
  SELECT 1 AS place, 0::oid AS relation, '' AS head, pg_catalog.format('DATABASE %I', d.datname) AS object, a.oid AS grantee, l.privilege,
         d.datdba AS owner, coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba)) AS acl
  FROM pg_catalog.pg_database d, access a JOIN level l ON l.level = a.level AND l.object = 'database'
  WHERE d.datname = pg_catalog.current_database()
  UNION
  SELECT 2, 0, '', pg_catalog.format('SCHEMA %I', s.nspname), a.oid, l.privilege, s.nspowner,
         coalesce(s.nspacl, pg_catalog.acldefault('n', s.nspowner))
  FROM space s JOIN access a ON a.space = s.oid JOIN level l ON l.level = a.level AND l.object = 'schema'
  UNION ALL
  SELECT 3, c.oid, '', pg_catalog.format(CASE c.relkind WHEN 'S' THEN 'SEQUENCE %I.%I' ELSE 'TABLE %I.%I' END, s.nspname, c.relname), a.oid, l.privilege, c.relowner,
         coalesce(c.relacl, pg_catalog.acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))
  FROM space s JOIN relation c ON c.relnamespace = s.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  JOIN access a ON a.space = s.oid
  JOIN level l ON l.level = a.level AND l.object = CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END
  UNION ALL
  SELECT 5, 0, pg_catalog.format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I ', c.rolname, c.nspname), pg_catalog.upper(l.object) || 'S', a.oid, l.privilege, c.oid,
         (SELECT d.defaclacl FROM pg_catalog.pg_default_acl d
                   WHERE d.defaclrole = c.oid AND d.defaclnamespace = c.space
                     AND d.defaclobjtype = CASE l.object WHEN 'table' THEN 'r' ELSE 'S' END)
  FROM creator c JOIN access a ON a.space = c.space
  JOIN level l ON l.level = a.level AND l.object IN ('table', 'sequence')
), statement AS (
  SELECT w.place, w.relation, w.head || pg_catalog.format('GRANT %s ON %s TO %I', pg_catalog.string_agg(w.privilege, ', ' ORDER BY w.privilege), w.object, r.rolname) AS text
  FROM wanted w JOIN pg_catalog.pg_roles r ON r.oid = w.grantee
  WHERE w.owner <> w.grantee
    AND NOT EXISTS (SELECT FROM pg_catalog.aclexplode(w.acl) held WHERE held.grantee = w.grantee AND held.privilege_type = w.privilege)
    -- A GRANT without any right to grant is an error. report_missing.sql reports what is left out here.
    AND (pg_catalog.pg_has_role(w.owner, 'USAGE')
         OR EXISTS (SELECT FROM pg_catalog.aclexplode(w.acl) may
                    WHERE may.is_grantable AND may.privilege_type = w.privilege AND pg_catalog.pg_has_role(may.grantee, 'USAGE')))
  GROUP BY w.place, w.relation, w.head, w.object, r.rolname
)
SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('text', s.text, 'place', s.place, 'relation', s.relation) ORDER BY s.place, s.text), '[]') AS missing
FROM statement s \gset
