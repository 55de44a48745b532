-- Only a superuser can act for a role of which it is not a member.
\set leaves_new_owner false
\if :superuser
\else
SELECT coalesce(pg_catalog.bool_or(NOT pg_catalog.pg_has_role(r.oid, 'USAGE') AND (:'from_16'::bool OR NOT pg_catalog.pg_has_role(r.oid, 'MEMBER'))), false) AS leaves_new_owner
FROM pg_catalog.pg_roles r WHERE r.rolname = :'new_owner' AND r.rolname <> current_user \gset
SELECT pg_catalog.format('GRANT %I TO CURRENT_USER', r.rolname)
FROM pg_catalog.pg_roles r WHERE r.rolname IN (:'subject', :'new_owner') AND NOT pg_catalog.pg_has_role(r.oid, 'USAGE') \gexec
\endif
