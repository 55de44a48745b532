-- Sets the parameters with which sessions of the login roles of :logins in this database begin. They take precedence
-- over parameters of the role or of the database alone. Other parameters stay. The server reports the name of a
-- parameter in the language of the administrator, so each is reported before it is set.
WITH wanted AS (
  SELECT l.number, r.oid, r.rolname, s.name, v.value, v.literal
  FROM pg_catalog.json_to_recordset(:'logins') AS l(number int, name name, settings json) JOIN pg_catalog.pg_roles r ON r.rolname = l.name
  CROSS JOIN LATERAL pg_catalog.json_to_recordset(l.settings) AS s(name text, list bool, parts json)
  CROSS JOIN LATERAL (
    SELECT pg_catalog.string_agg(CASE WHEN s.list THEN pg_catalog.quote_ident(held.part) ELSE held.part END, ', ' ORDER BY held.place) AS value,
           pg_catalog.string_agg(pg_catalog.quote_literal(held.part), ', ' ORDER BY held.place) AS literal
    FROM pg_catalog.json_array_elements_text(s.parts) WITH ORDINALITY held(part, place)) v
), present AS (
  SELECT g.setrole, pg_catalog.lower(pg_catalog.split_part(config, '=', 1)) AS name, pg_catalog.substr(config, pg_catalog.strpos(config, '=') + 1) AS value
  FROM pg_catalog.pg_db_role_setting g JOIN pg_catalog.pg_database d ON d.oid = g.setdatabase, pg_catalog.unnest(g.setconfig) config
  WHERE d.datname = pg_catalog.current_database()
), change AS (
  SELECT w.number, w.name, pg_catalog.format('ALTER ROLE %I IN DATABASE %I %s', w.rolname, pg_catalog.current_database(),
           CASE WHEN w.value IS NULL THEN pg_catalog.format('RESET %I', w.name) ELSE pg_catalog.format('SET %I TO %s', w.name, w.literal) END) AS text
  FROM wanted w LEFT JOIN present p ON p.setrole = w.oid AND p.name = w.name
  WHERE w.value IS DISTINCT FROM p.value
)
SELECT pg_catalog.format('SELECT %L', 'pgbind ' || pg_catalog.json_build_object('about', c.number, 'setting', c.name)::text), c.text,
       pg_catalog.format('SELECT %L', 'pgbind ' || pg_catalog.json_build_object('about', c.number, 'setting', '', 'did', c.text)::text)
FROM change c ORDER BY c.number, c.name \gexec
