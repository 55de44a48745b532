-- Gives the role :role what the role :former has, and no more: the metadata in Kubernetes cannot extend it. It joins
-- the same roles with the same options, and gets the same settings, connection limit and expiry. The elements of a list
-- are quoted one by one, because a login can set its own settings to any text. An administrator who is not a superuser
-- cannot copy settings that only a superuser may set, which includes parameters that the server does not know.
WITH former AS (
  SELECT f.* FROM pg_catalog.pg_roles f WHERE f.rolname = :'former'
), successor AS (
  SELECT n.* FROM pg_catalog.pg_roles n WHERE n.rolname = :'role'
), membership AS (
  -- Servers before 16 have no options; several grantors may have given several.
  SELECT m.member, m.roleid, pg_catalog.bool_or((pg_catalog.to_jsonb(m) ->> 'inherit_option')::bool) AS inherits, pg_catalog.bool_or((pg_catalog.to_jsonb(m) ->> 'set_option')::bool) AS sets
  FROM pg_catalog.pg_auth_members m GROUP BY m.member, m.roleid
), setting AS (
  SELECT s.setrole, s.setdatabase, pg_catalog.split_part(config, '=', 1) AS name, pg_catalog.substr(config, pg_catalog.strpos(config, '=') + 1) AS value
  FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) config
), change AS (
  SELECT 1 AS place, pg_catalog.format('GRANT %I TO %I', r.rolname, :'role') || CASE WHEN m.inherits IS NULL THEN ''
           ELSE pg_catalog.format(' WITH INHERIT %s, SET %s', m.inherits::text, m.sets::text) END AS text
  FROM membership m JOIN former f ON f.oid = m.member JOIN pg_catalog.pg_roles r ON r.oid = m.roleid, successor n
  WHERE NOT EXISTS (SELECT FROM membership has WHERE has.member = n.oid AND has.roleid = m.roleid
                    AND has.inherits IS NOT DISTINCT FROM m.inherits AND has.sets IS NOT DISTINCT FROM m.sets)
  UNION ALL
  SELECT 2, pg_catalog.format('ALTER ROLE %I%s SET %I TO %s', :'role', ' IN DATABASE ' || pg_catalog.quote_ident(d.datname), s.name,
           CASE WHEN s.name IN ('search_path', 'temp_tablespaces', 'local_preload_libraries', 'session_preload_libraries') THEN coalesce(
                  (SELECT pg_catalog.string_agg(pg_catalog.quote_literal(coalesce(pg_catalog.replace(held.part[1], '""', '"'), held.part[2])), ', ' ORDER BY held.place)
                   FROM pg_catalog.regexp_matches(s.value, '"((?:[^"]|"")*)"|([^",\s]+)', 'g') WITH ORDINALITY held(part, place)), '''''')
                ELSE pg_catalog.quote_literal(s.value) END)
  FROM setting s JOIN former f ON f.oid = s.setrole CROSS JOIN successor n LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
  LEFT JOIN pg_catalog.pg_settings known ON known.name = s.name
  WHERE f.oid <> n.oid AND (:'superuser'::bool OR coalesce(known.context IN ('user', 'backend'), s.name = 'role'))
    AND NOT EXISTS (SELECT FROM setting has WHERE has.setrole = n.oid AND has.setdatabase = s.setdatabase AND has.name = s.name AND has.value = s.value)
  UNION ALL
  SELECT 3, pg_catalog.format('ALTER ROLE %I %sCONNECTION LIMIT %s VALID UNTIL %L', :'role', CASE WHEN f.rolinherit THEN '' ELSE 'NOINHERIT ' END, f.rolconnlimit, coalesce(f.rolvaliduntil, 'infinity'))
  FROM former f, successor n WHERE f.oid <> n.oid AND (f.rolconnlimit <> -1 OR f.rolvaliduntil IS NOT NULL OR NOT f.rolinherit)
)
SELECT c.text, pg_catalog.format('SELECT %L', 'pgbind ' || pg_catalog.json_build_object('did', c.text)::text) FROM change c ORDER BY c.place, c.text \gexec
-- Reports the settings that an administrator who is not a superuser cannot copy.
SELECT 'pgbind ' || pg_catalog.json_build_object('lacks', pg_catalog.json_agg(pg_catalog.format('the setting %s of role %I, which only a superuser may give', pg_catalog.split_part(config, '=', 1), :'former')))
FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_roles f ON f.oid = s.setrole CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) config
LEFT JOIN pg_catalog.pg_settings known ON known.name = pg_catalog.split_part(config, '=', 1)
WHERE f.rolname = :'former' AND f.rolname <> :'role' AND NOT :'superuser'::bool AND NOT pg_catalog.starts_with(config, 'role=')
  AND coalesce(known.context NOT IN ('user', 'backend'), true)
HAVING pg_catalog.count(*) > 0;
-- Reports the statements that reset the settings of the former role which apply in this database: an application can
-- choose settings for itself that prevent logins. Values are not reported. The setting role is set by pgbind.
SELECT 'pgbind ' || pg_catalog.json_build_object('copied', pg_catalog.json_agg(s.reset ORDER BY s.reset))
FROM (SELECT pg_catalog.format('ALTER ROLE %I%s RESET %I', f.rolname, ' IN DATABASE ' || pg_catalog.quote_ident(d.datname), pg_catalog.split_part(config, '=', 1)) AS reset
      FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_roles f ON f.oid = s.setrole LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase,
           pg_catalog.unnest(s.setconfig) config
      WHERE f.rolname = :'former' AND f.rolname <> :'role' AND (s.setdatabase = 0 OR d.datname = pg_catalog.current_database()) AND NOT pg_catalog.starts_with(config, 'role=')
      ORDER BY 1 LIMIT 20) s HAVING pg_catalog.count(*) > 0;
-- A setting for the database takes precedence over one for all databases.
SELECT 'pgbind ' || pg_catalog.json_build_object('actsAs', coalesce((
           SELECT nullif(pg_catalog.substr(config, 6), 'none')
           FROM pg_catalog.pg_db_role_setting s LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase, pg_catalog.unnest(s.setconfig) config
           WHERE s.setrole = (SELECT n.oid FROM pg_catalog.pg_roles n WHERE n.rolname = :'role')
             AND (s.setdatabase = 0 OR d.datname = pg_catalog.current_database()) AND pg_catalog.starts_with(config, 'role=')
           ORDER BY s.setdatabase = 0 LIMIT 1), :'role'));
