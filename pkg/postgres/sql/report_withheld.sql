-- Reports the relations of :withheld that a superuser's view or foreign table is.
SELECT 'pgbind ' || pg_catalog.json_build_object('withheld', pg_catalog.json_agg(w.item))
FROM (SELECT x AS item FROM pg_catalog.json_array_elements(:'withheld') x WHERE x ->> 'reason' LIKE 'belongs%' LIMIT 20) w HAVING pg_catalog.count(*) > 0;
