-- Ends what audit_database began. Everything about this database was reported.
COMMIT;
SELECT 'pgbind ' || pg_catalog.json_build_object('audit', pg_catalog.json_build_object('left', :'database'));
