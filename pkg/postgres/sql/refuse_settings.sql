-- A binding gives the login roles of :logins no parameter that they could not set themselves: its metadata, which
-- applications may be able to write, keeps them. A name with a dot that the server does not know belongs to the
-- application, or to a library that is not loaded.
SELECT pg_catalog.count(*) > 0 AS refuses,
       (pg_catalog.array_agg(pg_catalog.json_build_object('about', l.number, 'setting', s.name, 'context', coalesce(known.context, '')) ORDER BY l.number, s.name))[1] AS refused
FROM pg_catalog.json_to_recordset(:'logins') AS l(number int, settings json)
CROSS JOIN LATERAL pg_catalog.json_to_recordset(l.settings) AS s(name text)
LEFT JOIN pg_catalog.pg_settings known ON pg_catalog.lower(known.name) = s.name
WHERE known.context <> 'user' OR known.name IS NULL AND pg_catalog.strpos(s.name, '.') = 0 \gset
\if :refuses
SELECT 'pgbind ' || :'refused';
\quit
\endif
