-- The login roles of :logins find the objects in the schemas of :path and the extensions :extensions without their
-- schemas, unless their settings name a search path.
WITH found AS (
  SELECT s.place, s.name FROM pg_catalog.json_array_elements_text(:'path') WITH ORDINALITY s(name, place)
  UNION ALL
  SELECT 10000 + l.place, n.nspname::text
  FROM pg_catalog.json_array_elements_text(:'extensions') WITH ORDINALITY l(name, place)
  JOIN pg_catalog.pg_extension e ON e.extname = l.name JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace AND n.nspname <> 'pg_catalog'
), wanted AS (
  SELECT pg_catalog.string_agg(pg_catalog.quote_ident(f.name), ', ' ORDER BY f.place) AS path
  FROM (SELECT f.name, pg_catalog.min(f.place) AS place FROM found f GROUP BY f.name) f
)
SELECT pg_catalog.format('ALTER ROLE %I IN DATABASE %I SET search_path TO %s', r.rolname, pg_catalog.current_database(), w.path), s.report
FROM wanted w, pg_catalog.json_to_recordset(:'logins') AS l(number int, name name, settings json) JOIN pg_catalog.pg_roles r ON r.rolname = l.name
CROSS JOIN LATERAL (SELECT pg_catalog.format('SELECT %L', 'pgbind ' || pg_catalog.json_build_object('about', l.number, 'did',
  pg_catalog.format('ALTER ROLE %I IN DATABASE %I SET search_path TO %s', r.rolname, pg_catalog.current_database(), w.path))::text) AS report) s
WHERE NOT EXISTS (
  SELECT FROM pg_catalog.pg_db_role_setting g JOIN pg_catalog.pg_database d ON d.oid = g.setdatabase AND d.datname = pg_catalog.current_database(), pg_catalog.unnest(g.setconfig) config
  WHERE g.setrole = r.oid AND config = 'search_path=' || w.path)
  AND NOT EXISTS (SELECT FROM pg_catalog.json_to_recordset(l.settings) AS s(name text) WHERE s.name = 'search_path') \gexec
