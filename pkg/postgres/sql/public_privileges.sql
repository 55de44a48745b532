-- Reports what PUBLIC may do beyond every level in this database, and in the others if :every_database says so, with
-- the statement that revokes it, and sets :public to it. A bind revokes nothing of this: that would affect every role
-- of the server that has no grant of its own.
WITH granted AS (
  SELECT pg_catalog.format('DATABASE %I', d.datname) AS name, d.datname AS database, NULL::name AS schema, d.datdba AS owner,
         pg_catalog.array_agg(a.privilege_type ORDER BY a.privilege_type) AS privileges
  FROM pg_catalog.pg_database d CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) a
  WHERE d.datallowconn AND a.grantee = 0 AND (:'every_database'::bool OR d.datname = pg_catalog.current_database())
  GROUP BY d.datname, d.datdba
  UNION ALL
  SELECT pg_catalog.format('SCHEMA %I', n.nspname), NULL, n.nspname, n.nspowner, ARRAY['CREATE']
  FROM pg_catalog.pg_namespace n CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) a
  WHERE a.grantee = 0 AND a.privilege_type = 'CREATE'
)
SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
         'what', pg_catalog.format('%s on %s %I', pg_catalog.array_to_string(g.privileges, ' and '),
                                   CASE WHEN g.schema IS NULL THEN 'database' ELSE 'schema' END, coalesce(g.database, g.schema)),
         'close', pg_catalog.format('REVOKE %s ON %s FROM PUBLIC', pg_catalog.array_to_string(g.privileges, ', '), g.name),
         'may', pg_catalog.pg_has_role(g.owner, 'USAGE'), 'database', g.database, 'schema', g.schema, 'privileges', g.privileges)
         ORDER BY g.name), '[]') AS public, pg_catalog.count(*) > 0 AS has_public
FROM granted g \gset
SELECT 'pgbind ' || pg_catalog.json_build_object('public', :'public'::json) WHERE :'has_public'::bool;
