-- Reports those relations of :withheld on which the level grants nothing only because of their owner.
SELECT 'pgbind ' || pg_catalog.json_build_object('withheld', pg_catalog.jsonb_agg(w))
FROM (SELECT l.relation, l.reason FROM pg_catalog.json_to_recordset(:'withheld') AS l(relation text, reason text) WHERE l.reason IS NOT NULL
      ORDER BY l.relation LIMIT 20) w HAVING pg_catalog.count(*) > 0;
