SELECT 'pgbind ' || pg_catalog.json_build_object('sessions', (
           SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity a
           WHERE a.usesysid = (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = :'subject' AND (:subject_oid = 0 OR r.oid = :subject_oid))));
