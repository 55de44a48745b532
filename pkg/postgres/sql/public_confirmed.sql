-- Sets :extra to the statements of :public that the user confirmed, so that nothing runs that was not listed before.
SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('text', l.close, 'may', l.may)), '[]') AS extra
FROM pg_catalog.json_to_recordset(:'public') AS l(close text, may bool)
WHERE l.close IN (SELECT pg_catalog.json_array_elements_text(:'confirmed')) \gset
\set missing '[]'
