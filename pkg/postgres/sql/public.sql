-- Reports what PUBLIC may do here beyond the level, with the statement that revokes it. The user decides: revoking it affects every role of the server
-- that has no grant of its own.
\if :revoke_public
SELECT text, pg_catalog.format('SELECT %L', 'pgbind ' || pg_catalog.json_build_object('did', text)::text)
FROM (
  SELECT pg_catalog.format('REVOKE %s ON DATABASE %I FROM PUBLIC', pg_catalog.string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type), d.datname) AS text
  FROM pg_catalog.pg_database d CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) a
  WHERE d.datallowconn AND a.grantee = 0 AND pg_catalog.pg_has_role(d.datdba, 'USAGE')
  GROUP BY d.datname
  UNION ALL
  SELECT pg_catalog.format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC', n.nspname)
  FROM pg_catalog.pg_namespace n CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) a
  WHERE a.grantee = 0 AND a.privilege_type = 'CREATE' AND pg_catalog.pg_has_role(n.nspowner, 'USAGE')
) change \gexec
\endif
SELECT 'pgbind ' || pg_catalog.json_build_object('public', pg_catalog.json_agg(pg_catalog.json_build_object('what', what, 'close', close)))
FROM (
  SELECT pg_catalog.format('%s on database %I', pg_catalog.string_agg(a.privilege_type, ' and ' ORDER BY a.privilege_type), d.datname) AS what,
         pg_catalog.format('REVOKE %s ON DATABASE %I FROM PUBLIC', pg_catalog.string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type), d.datname) AS close
  FROM pg_catalog.pg_database d CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) a
  WHERE d.datallowconn AND a.grantee = 0
  GROUP BY d.datname
  UNION ALL
  SELECT pg_catalog.format('CREATE on schema %I', n.nspname), pg_catalog.format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC', n.nspname)
  FROM pg_catalog.pg_namespace n CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) a
  WHERE a.grantee = 0 AND a.privilege_type = 'CREATE'
  ORDER BY 1
) granted HAVING pg_catalog.count(*) > 0;
