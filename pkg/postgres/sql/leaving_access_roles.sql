-- Sets :narrows if login roles of :logins leave another access role, and :grantees to these login roles. The script
-- then revokes their direct grants and their default privileges. This file reports functions that still run with the
-- former level.
WITH leaving AS (
  SELECT l.name, r.oid AS former FROM pg_catalog.json_to_recordset(:'logins') AS l(name name)
  JOIN pg_catalog.pg_roles n ON n.rolname = l.name JOIN pg_catalog.pg_auth_members m ON m.member = n.oid JOIN pg_catalog.pg_roles r ON r.oid = m.roleid
  WHERE r.rolname <> :'access' AND pg_catalog.starts_with(pg_catalog.shobj_description(r.oid, 'pg_authid'), 'pgbind/v1 access=')
)
SELECT EXISTS (SELECT FROM leaving) AS narrows, coalesce((SELECT pg_catalog.json_agg(DISTINCT n.name) FROM leaving n), '[]') AS grantees,
       coalesce((SELECT pg_catalog.json_agg(DISTINCT n.former::bigint) FROM leaving n), '[]') AS left_roles \gset
\if :narrows
SELECT 'pgbind ' || pg_catalog.json_build_object('escalations', pg_catalog.jsonb_agg(d))
FROM (
  SELECT pg_catalog.format('%s %s runs as %I for everyone who may execute it', CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END, p.oid::regprocedure, o.rolname) AS what,
         pg_catalog.format('ALTER %s %I.%I(%s) SECURITY INVOKER', CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, n.nspname, p.proname,
                           pg_catalog.pg_get_function_identity_arguments(p.oid)) AS fix
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_roles o ON o.oid = p.proowner JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  WHERE p.prosecdef AND p.proowner::bigint IN (SELECT held::text::bigint FROM pg_catalog.json_array_elements(:'left_roles') held)
  ORDER BY 1 LIMIT 20
) d HAVING pg_catalog.count(*) > 0;
\endif
