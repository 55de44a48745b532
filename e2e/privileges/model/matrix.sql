-- Prints what the role :login can use of each object of the database, one JSON object in a line. :tables are the
-- privileges of tables in this version.
\set ON_ERROR_STOP on
SET search_path = pg_catalog;
WITH me AS (
  SELECT r.oid FROM pg_roles r WHERE r.rolname = :'login'
), grants AS (
  SELECT :'tables'::text[] AS tables, '{SELECT,INSERT,UPDATE,REFERENCES}'::text[] AS columns, '{USAGE,SELECT,UPDATE}'::text[] AS sequences
), object(class, oid, sub, kind, space, name, arguments, owner, has) AS (
  SELECT 'pg_class'::regclass, c.oid, 0, CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
         WHEN 'm' THEN 'materialized view' ELSE 'foreign table' END, c.relnamespace, c.relname::text, '', c.relowner,
         (SELECT jsonb_object_agg(p || o, has_table_privilege(me.oid, c.oid, p || o)) FROM unnest(g.tables) p, unnest('{"", " WITH GRANT OPTION"}'::text[]) o)
  FROM me, grants g, pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  UNION ALL
  SELECT 'pg_class', c.oid, a.attnum, 'column', c.relnamespace, c.relname::text, quote_ident(a.attname), c.relowner,
         (SELECT jsonb_object_agg(p || o, has_column_privilege(me.oid, c.oid, a.attnum, p || o)) FROM unnest(g.columns) p, unnest('{"", " WITH GRANT OPTION"}'::text[]) o)
  FROM me, grants g, pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  UNION ALL
  SELECT 'pg_class', c.oid, 0, 'sequence', c.relnamespace, c.relname::text, '', c.relowner,
         (SELECT jsonb_object_agg(p || o, has_sequence_privilege(me.oid, c.oid, p || o)) FROM unnest(g.sequences) p, unnest('{"", " WITH GRANT OPTION"}'::text[]) o)
  FROM me, grants g, pg_class c WHERE c.relkind = 'S'
  UNION ALL
  SELECT 'pg_proc', p.oid, 0, CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END, p.pronamespace, p.proname::text,
         '(' || pg_get_function_identity_arguments(p.oid) || ')', p.proowner,
         jsonb_build_object('EXECUTE', has_function_privilege(me.oid, p.oid, 'EXECUTE'),
                            'EXECUTE WITH GRANT OPTION', has_function_privilege(me.oid, p.oid, 'EXECUTE WITH GRANT OPTION'))
  FROM me, pg_proc p
  UNION ALL
  SELECT 'pg_type', t.oid, 0, CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, t.typnamespace, t.typname::text, '', t.typowner,
         jsonb_build_object('USAGE', has_type_privilege(me.oid, t.oid, 'USAGE'), 'USAGE WITH GRANT OPTION', has_type_privilege(me.oid, t.oid, 'USAGE WITH GRANT OPTION'))
  FROM me, pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
  WHERE coalesce(c.relkind, 'c') = 'c' AND NOT (t.typelem <> 0 AND t.typlen = -1) AND t.typtype <> 'm'
  UNION ALL
  SELECT 'pg_namespace', n.oid, 0, 'schema', n.oid, '', '', n.nspowner,
         (SELECT jsonb_object_agg(p || o, has_schema_privilege(me.oid, n.oid, p || o)) FROM unnest('{USAGE,CREATE}'::text[]) p, unnest('{"", " WITH GRANT OPTION"}'::text[]) o)
  FROM me, pg_namespace n
  UNION ALL
  SELECT 'pg_database', d.oid, 0, 'database', 0, d.datname::text, '', d.datdba,
         (SELECT jsonb_object_agg(p || o, has_database_privilege(me.oid, d.oid, p || o)) FROM unnest('{CONNECT,TEMPORARY,CREATE}'::text[]) p, unnest('{"", " WITH GRANT OPTION"}'::text[]) o)
  FROM me, pg_database d
  UNION ALL
  SELECT 'pg_language', l.oid, 0, 'language', 0, l.lanname::text, '', l.lanowner, jsonb_build_object('USAGE', has_language_privilege(me.oid, l.oid, 'USAGE'))
  FROM me, pg_language l
  UNION ALL
  SELECT 'pg_foreign_data_wrapper', f.oid, 0, 'foreign data wrapper', 0, f.fdwname::text, '', f.fdwowner,
         jsonb_build_object('USAGE', has_foreign_data_wrapper_privilege(me.oid, f.oid, 'USAGE'))
  FROM me, pg_foreign_data_wrapper f
  UNION ALL
  SELECT 'pg_foreign_server', s.oid, 0, 'server', 0, s.srvname::text, '', s.srvowner, jsonb_build_object('USAGE', has_server_privilege(me.oid, s.oid, 'USAGE'))
  FROM me, pg_foreign_server s
  UNION ALL
  SELECT 'pg_tablespace', s.oid, 0, 'tablespace', 0, s.spcname::text, '', s.spcowner, jsonb_build_object('CREATE', has_tablespace_privilege(me.oid, s.oid, 'CREATE'))
  FROM me, pg_tablespace s
  UNION ALL
  SELECT 'pg_largeobject', l.oid, 0, 'large object', 0, l.oid::text, '', l.lomowner,
         (SELECT jsonb_object_agg(p, EXISTS (SELECT FROM aclexplode(coalesce(l.lomacl, acldefault('L', l.lomowner))) a
            WHERE a.privilege_type = p AND CASE a.grantee WHEN 0 THEN true ELSE pg_has_role(me.oid, a.grantee, 'USAGE') END)) FROM unnest('{SELECT,UPDATE}'::text[]) p)
  FROM me, pg_largeobject_metadata l
  UNION ALL SELECT 'pg_operator', o.oid, 0, 'operator', o.oprnamespace, o.oprname::text,
    '(' || coalesce(o.oprleft::regtype::text, 'NONE') || ',' || coalesce(o.oprright::regtype::text, 'NONE') || ')', o.oprowner, NULL FROM pg_operator o
  UNION ALL SELECT 'pg_opclass', o.oid, 0, 'operator class', o.opcnamespace, o.opcname::text, a.amname::text, o.opcowner, NULL
    FROM pg_opclass o JOIN pg_am a ON a.oid = o.opcmethod
  UNION ALL SELECT 'pg_opfamily', o.oid, 0, 'operator family', o.opfnamespace, o.opfname::text, a.amname::text, o.opfowner, NULL
    FROM pg_opfamily o JOIN pg_am a ON a.oid = o.opfmethod
  UNION ALL SELECT 'pg_collation', c.oid, 0, 'collation', c.collnamespace, c.collname::text, '', c.collowner, NULL FROM pg_collation c
  UNION ALL SELECT 'pg_conversion', c.oid, 0, 'conversion', c.connamespace, c.conname::text, '', c.conowner, NULL FROM pg_conversion c
  UNION ALL SELECT 'pg_ts_config', c.oid, 0, 'text search configuration', c.cfgnamespace, c.cfgname::text, '', c.cfgowner, NULL FROM pg_ts_config c
  UNION ALL SELECT 'pg_ts_dict', d.oid, 0, 'text search dictionary', d.dictnamespace, d.dictname::text, '', d.dictowner, NULL FROM pg_ts_dict d
  UNION ALL SELECT 'pg_ts_template', d.oid, 0, 'text search template', d.tmplnamespace, d.tmplname::text, '', 10, NULL FROM pg_ts_template d
  UNION ALL SELECT 'pg_ts_parser', d.oid, 0, 'text search parser', d.prsnamespace, d.prsname::text, '', 10, NULL FROM pg_ts_parser d
  UNION ALL SELECT 'pg_statistic_ext', s.oid, 0, 'statistics', s.stxnamespace, s.stxname::text, '', s.stxowner, NULL FROM pg_statistic_ext s
  UNION ALL SELECT 'pg_cast', s.oid, 0, 'cast', t.typnamespace, s.castsource::regtype || ' AS ' || s.casttarget::regtype, '', t.typowner, NULL
    FROM pg_cast s JOIN pg_type t ON t.oid = s.castsource WHERE s.oid >= 16384
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_cast'::regclass AND d.objid = s.oid AND d.deptype = 'i')
  UNION ALL SELECT 'pg_policy', p.oid, 0, 'policy', c.relnamespace, c.relname::text, quote_ident(p.polname), c.relowner, NULL
    FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
  UNION ALL SELECT 'pg_trigger', p.oid, 0, 'trigger', c.relnamespace, c.relname::text, quote_ident(p.tgname), c.relowner, NULL
    FROM pg_trigger p JOIN pg_class c ON c.oid = p.tgrelid WHERE NOT p.tgisinternal
  UNION ALL SELECT 'pg_class', i.oid, 0, 'index', c.relnamespace, i.relname::text, '', i.relowner, NULL
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
  UNION ALL SELECT 'pg_publication', p.oid, 0, 'publication', 0, p.pubname::text, '', p.pubowner, NULL FROM pg_publication p
  UNION ALL SELECT 'pg_event_trigger', e.oid, 0, 'event trigger', 0, e.evtname::text, '', e.evtowner, NULL FROM pg_event_trigger e
  UNION ALL SELECT 'pg_extension', e.oid, 0, 'extension', 0, e.extname::text, '', e.extowner, NULL FROM pg_extension e
)
SELECT jsonb_build_object(
         'kind', o.kind, 'schema', coalesce(n.nspname, ''), 'name', o.name, 'owner', r.rolname,
         'ident', CASE o.kind WHEN 'schema' THEN quote_ident(n.nspname) WHEN 'large object' THEN o.name WHEN 'cast' THEN o.name WHEN 'operator' THEN
                    quote_ident(n.nspname) || '.' || o.name ELSE coalesce(quote_ident(n.nspname) || '.', '') || quote_ident(o.name) END,
         'arguments', o.arguments,
         'updatable', o.class = 'pg_class'::regclass AND pg_relation_is_updatable(o.oid, false) = 28,
         'trait', coalesce(CASE WHEN o.sub > 0 THEN col_description(o.oid, o.sub) WHEN o.kind IN ('database', 'tablespace') THEN shobj_description(o.oid, o.class::text)
                                ELSE obj_description(o.oid, o.class::text) END, ''),
         'member', EXISTS (SELECT FROM pg_depend d WHERE d.classid = o.class AND d.objid = o.oid AND d.deptype = 'e'),
         'has', coalesce(o.has, '{}') || jsonb_build_object('OWN', pg_has_role(me.oid, o.owner, 'USAGE')))
FROM me, object o LEFT JOIN pg_namespace n ON n.oid = o.space JOIN pg_roles r ON r.oid = o.owner
WHERE coalesce(n.nspname, '') !~ '^(pg_(catalog|toast|temp_\d+|toast_temp_\d+)|information_schema)$' OR o.kind = 'schema' AND n.nspname !~ 'temp_';
