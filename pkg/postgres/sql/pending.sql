-- Sets :pending to the statements of :extra that the administrator may run, and then those of :missing, in their order.
-- check reports the other ones of :extra.
WITH statement AS (
  SELECT 1 AS part, 0 AS place, l.text, l.relation FROM pg_catalog.json_to_recordset(:'extra') AS l(text text, may bool, relation oid) WHERE l.may
  UNION ALL
  SELECT 2, l.place, l.text, l.relation FROM pg_catalog.json_to_recordset(:'missing') AS l(text text, place int, relation oid)
)
SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('number', s.number, 'text', s.text, 'relation', s.relation) ORDER BY s.number), '[]') AS pending
FROM (SELECT *, pg_catalog.row_number() OVER (ORDER BY part, place, text) AS number FROM statement) s \gset
