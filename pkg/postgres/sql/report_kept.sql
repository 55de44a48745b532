-- Reports what stays with its owner.
SELECT 'pgbind ' || pg_catalog.json_build_object('kept', :'kept'::json) WHERE :'kept' <> '[]';
