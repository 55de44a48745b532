\if :superuser
\else
SELECT pg_catalog.format('REVOKE %I FROM CURRENT_USER', r.rolname) FROM pg_catalog.pg_roles r WHERE r.rolname = ANY (:'joined'::name[]) \gexec
\endif
