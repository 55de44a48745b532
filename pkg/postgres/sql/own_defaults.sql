-- The default privileges that the roles :grantees made for what they create themselves.
SELECT text, pg_catalog.format('SELECT %L', 'pgbind ' || pg_catalog.json_build_object('did', text)::text)
FROM (
  SELECT pg_catalog.format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s REVOKE ALL ON %s FROM %s', r.rolname, ' IN SCHEMA ' || pg_catalog.quote_ident(n.nspname),
                           CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END,
                           coalesce(pg_catalog.quote_ident(g.rolname), 'PUBLIC')) AS text
  FROM pg_catalog.pg_default_acl d JOIN pg_catalog.pg_roles r ON r.oid = d.defaclrole LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
  CROSS JOIN LATERAL (SELECT DISTINCT a.grantee FROM pg_catalog.aclexplode(d.defaclacl) a WHERE a.grantee <> d.defaclrole) held LEFT JOIN pg_catalog.pg_roles g ON g.oid = held.grantee
  WHERE r.rolname IN (SELECT pg_catalog.json_array_elements_text(:'grantees')) AND pg_catalog.pg_has_role(r.oid, 'USAGE')
) change ORDER BY text \gexec
\endif
