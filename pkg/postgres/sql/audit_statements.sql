-- Reports how many statements the server counted for each role, from the first database that has the extension: the
-- counters are those of the whole server.
SELECT NOT :'statements_counted'::bool AND :'statements_schema' <> '' AS count_statements \gset
\if :count_statements
\set statements_counted true
SELECT pg_catalog.format('SELECT ''pgbind '' || pg_catalog.json_build_object(''audit'', pg_catalog.json_build_object(''statements'', '
    'pg_catalog.json_build_object(''role'', r.rolname, ''statements'', pg_catalog.count(*), ''calls'', pg_catalog.sum(s.calls)))) '
    'FROM %I.pg_stat_statements(false) s JOIN pg_catalog.pg_roles r ON r.oid = s.userid GROUP BY r.rolname', :'statements_schema') \gexec
\endif
