-- Sets :statements_schema to the schema of pg_stat_statements in this database; empty if the server does not count
-- statements. The extension's function runs only if an application can have neither made it nor put another one in its
-- place: it is code of the extension, and extension and schema belong to superusers.
SELECT coalesce((SELECT n.nspname FROM pg_catalog.pg_extension x JOIN pg_catalog.pg_namespace n ON n.oid = x.extnamespace
                 JOIN pg_catalog.pg_roles xo ON xo.oid = x.extowner JOIN pg_catalog.pg_roles o ON o.oid = n.nspowner
                 JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database() JOIN pg_catalog.pg_roles dbo ON dbo.oid = d.datdba
                 JOIN pg_catalog.pg_proc p ON p.pronamespace = n.oid AND p.proname = 'pg_stat_statements'
                 JOIN pg_catalog.pg_roles po ON po.oid = p.proowner JOIN pg_catalog.pg_language l ON l.oid = p.prolang AND l.lanname = 'c'
                 JOIN pg_catalog.pg_depend m ON m.classid = 'pg_catalog.pg_proc'::regclass AND m.objid = p.oid AND m.refobjid = x.oid AND m.deptype = 'e'
                 WHERE x.extname = 'pg_stat_statements' AND xo.rolsuper AND po.rolsuper
                   AND EXISTS (SELECT FROM pg_catalog.pg_settings t WHERE t.name = 'pg_stat_statements.max' AND t.context = 'postmaster')
                   AND (o.rolsuper OR o.rolname = 'pg_database_owner' AND dbo.rolsuper) LIMIT 1), '') AS statements_schema \gset
