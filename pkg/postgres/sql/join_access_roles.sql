-- Only members of a role can set its default privileges, and the creator of a role is not a member. An administrator
-- who is not a superuser therefore joins the access roles until the end of the transaction.
\set joined '{}'
\if :superuser
\else
SELECT coalesce(pg_catalog.array_agg(r.rolname), '{}') AS joined
FROM pg_catalog.pg_roles r
CROSS JOIN LATERAL (SELECT pg_catalog.shobj_description(r.oid, 'pg_authid') AS mark) d
WHERE pg_catalog.starts_with(d.mark, 'pgbind/v1 access=') AND r.oid >= 16384 AND NOT pg_catalog.pg_has_role(r.oid, 'USAGE')
  AND NOT (r.rolcanlogin OR r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls)
  AND EXISTS (SELECT FROM pg_catalog.json_to_recordset(:'schemas') AS s(name name, key text)
              WHERE s.key = ANY (pg_catalog.string_to_array(pg_catalog.substr(pg_catalog.split_part(d.mark, ' ', 3), 4), ',')))
  AND (NOT :'from_16'::bool OR pg_catalog.pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION')) \gset
SELECT pg_catalog.format('GRANT %I TO CURRENT_USER%s', name, CASE WHEN :'from_16'::bool THEN ' WITH INHERIT TRUE, SET FALSE' ELSE '' END)
FROM pg_catalog.unnest(:'joined'::name[]) name \gexec
\endif
