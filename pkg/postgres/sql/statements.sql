-- Reports the statements that the server counted in this database for the roles :names, the most frequent first, and
-- since when it counts. The texts have no literals, except those of commands such as SET.
SELECT :'statements_schema' <> '' AS counts,
       EXISTS (SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace AND n.nspname = :'statements_schema'
               WHERE p.proname = 'pg_stat_statements_info') AS dates \gset
\if :counts
SELECT 'pgbind ' || pg_catalog.json_build_object('counting', pg_catalog.json_build_object('schema', :'statements_schema'));
SELECT pg_catalog.format('SELECT ''pgbind '' || pg_catalog.json_build_object(''statement'', pg_catalog.json_build_object(''text'', s.query)) '
    'FROM %I.pg_stat_statements(true) s JOIN pg_catalog.pg_roles r ON r.oid = s.userid AND r.rolname IN (SELECT pg_catalog.json_array_elements_text(%L)) '
    'JOIN pg_catalog.pg_database d ON d.oid = s.dbid AND d.datname = pg_catalog.current_database() '
    'WHERE s.query IS NOT NULL ORDER BY s.calls DESC LIMIT 1000', :'statements_schema', :'names') \gexec
\if :dates
SELECT pg_catalog.format('SELECT ''pgbind '' || pg_catalog.json_build_object(''counting'', pg_catalog.json_build_object('
    '''schema'', %L, ''since'', i.stats_reset, ''discards'', i.dealloc)) FROM %I.pg_stat_statements_info() i', :'statements_schema', :'statements_schema') \gexec
\endif
\endif
