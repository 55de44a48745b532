-- Sets :missing to the statements that hand over what the role :old_owner owns in :schemas, and the large objects that only
-- it uses, to the role :new_owner, one object each. Sequences of columns and row types follow their tables. Sets :kept to
-- what stays, with the reason. The dependency catalog does not know what the first superuser owns, so each catalog is
-- read. Changing an owner runs no code of an application. If :regrants is true, the same statement grants the old_owner the
-- privileges of :level on a table and its sequences. The objects of :exempt stay. Sets :objects to all that can change
-- its owner.
WITH old_owner AS (
  SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = :'old_owner'
), space AS (
  SELECT n.oid, n.nspowner FROM pg_catalog.json_to_recordset(:'schemas') AS s(name name, key text) JOIN pg_catalog.pg_namespace n ON n.nspname = s.name
), owned AS (
  SELECT 1 AS place, 'pg_catalog.pg_namespace'::regclass AS class, n.oid, NULL AS reason FROM space n WHERE n.nspowner IN (SELECT g.oid FROM old_owner g)
  UNION ALL
  SELECT 2, 'pg_catalog.pg_class'::regclass, c.oid, CASE
           WHEN w.oid IS NOT NULL AND w.reason IS NOT NULL THEN 'it ' || w.reason
           WHEN c.relkind = 'f' THEN 'it is a foreign table, which uses the user mapping of its owner'
           WHEN c.relkind IN ('v', 'm') THEN (
             SELECT pg_catalog.format('it reads %s, outside the schemas, with the privileges of its owner', pg_catalog.min(t.oid::regclass::text))
             FROM pg_catalog.pg_rewrite v JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = v.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass
             JOIN pg_catalog.pg_class t ON t.oid = d.refobjid
             WHERE v.ev_class = c.oid AND t.oid <> c.oid AND t.oid >= 16384 AND t.relnamespace NOT IN (SELECT s.oid FROM space s)
             HAVING pg_catalog.count(*) > 0) END
  FROM pg_catalog.pg_class c LEFT JOIN (SELECT (w ->> 'oid')::oid AS oid, w ->> 'reason' AS reason FROM pg_catalog.json_array_elements(:'withheld') w) w ON w.oid = c.oid
  WHERE c.relowner IN (SELECT g.oid FROM old_owner g) AND c.relnamespace IN (SELECT s.oid FROM space s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('a', 'i') AND c.relkind = 'S')
  UNION ALL
  SELECT 3, 'pg_catalog.pg_proc'::regclass, p.oid, CASE WHEN p.prosecdef THEN 'it runs as its owner (SECURITY DEFINER)' END
  FROM pg_catalog.pg_proc p WHERE p.proowner IN (SELECT g.oid FROM old_owner g) AND p.pronamespace IN (SELECT s.oid FROM space s)
  UNION ALL
  -- The type of an array, of a table's rows and of a multirange follows another object.
  SELECT 4, 'pg_catalog.pg_type'::regclass, t.oid, NULL
  FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
  WHERE t.typowner IN (SELECT g.oid FROM old_owner g) AND t.typnamespace IN (SELECT s.oid FROM space s) AND t.typtype <> 'm' AND coalesce(c.relkind, 'c') = 'c'
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.typarray = t.oid)
  UNION ALL
  SELECT 5, 'pg_catalog.pg_operator'::regclass, o.oid, NULL FROM pg_catalog.pg_operator o WHERE o.oprowner IN (SELECT g.oid FROM old_owner g) AND o.oprnamespace IN (SELECT s.oid FROM space s)
  UNION ALL
  SELECT 5, 'pg_catalog.pg_opclass'::regclass, o.oid, NULL FROM pg_catalog.pg_opclass o WHERE o.opcowner IN (SELECT g.oid FROM old_owner g) AND o.opcnamespace IN (SELECT s.oid FROM space s)
  UNION ALL
  SELECT 5, 'pg_catalog.pg_opfamily'::regclass, o.oid, NULL FROM pg_catalog.pg_opfamily o WHERE o.opfowner IN (SELECT g.oid FROM old_owner g) AND o.opfnamespace IN (SELECT s.oid FROM space s)
  UNION ALL
  SELECT 5, 'pg_catalog.pg_collation'::regclass, o.oid, NULL FROM pg_catalog.pg_collation o WHERE o.collowner IN (SELECT g.oid FROM old_owner g) AND o.collnamespace IN (SELECT s.oid FROM space s)
  UNION ALL
  SELECT 5, 'pg_catalog.pg_conversion'::regclass, o.oid, NULL FROM pg_catalog.pg_conversion o WHERE o.conowner IN (SELECT g.oid FROM old_owner g) AND o.connamespace IN (SELECT s.oid FROM space s)
  UNION ALL
  SELECT 5, 'pg_catalog.pg_ts_dict'::regclass, o.oid, NULL FROM pg_catalog.pg_ts_dict o WHERE o.dictowner IN (SELECT g.oid FROM old_owner g) AND o.dictnamespace IN (SELECT s.oid FROM space s)
  UNION ALL
  SELECT 5, 'pg_catalog.pg_ts_config'::regclass, o.oid, NULL FROM pg_catalog.pg_ts_config o WHERE o.cfgowner IN (SELECT g.oid FROM old_owner g) AND o.cfgnamespace IN (SELECT s.oid FROM space s)
  UNION ALL
  SELECT 5, 'pg_catalog.pg_statistic_ext'::regclass, o.oid, NULL FROM pg_catalog.pg_statistic_ext o WHERE o.stxowner IN (SELECT g.oid FROM old_owner g) AND o.stxnamespace IN (SELECT s.oid FROM space s)
  UNION ALL
  SELECT 6, 'pg_catalog.pg_largeobject'::regclass, m.oid,
         CASE WHEN EXISTS (SELECT FROM pg_catalog.aclexplode(m.lomacl) held WHERE held.grantee <> m.lomowner) THEN 'other roles use it' END
  FROM pg_catalog.pg_largeobject_metadata m WHERE m.lomowner IN (SELECT g.oid FROM old_owner g)
), object AS (
  SELECT o.place, o.class, o.oid, i.type, i.identity, p.arguments, coalesce(o.reason, CASE
           WHEN o.oid < 16384 THEN 'it belongs to PostgreSQL'
           WHEN NOT (pg_catalog.pg_has_role((SELECT g.oid FROM old_owner g), 'USAGE') AND coalesce((SELECT pg_catalog.pg_has_role(h.oid, 'MEMBER') FROM pg_catalog.pg_roles h WHERE h.rolname = :'new_owner'), true)) THEN pg_catalog.format('%I may not change its owner', current_user) END) AS reason
  FROM owned o CROSS JOIN LATERAL pg_catalog.pg_identify_object(o.class, o.oid, 0) i
  LEFT JOIN LATERAL (
    -- The identity of a procedure has no argument modes, by which two procedures may differ; an aggregate's ORDER BY is
    -- not part of its name.
    SELECT pg_catalog.format('%I.%I(%s)', n.nspname, f.proname, pg_catalog.pg_get_function_identity_arguments(f.oid)) AS arguments
    FROM pg_catalog.pg_proc f JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace
    WHERE f.oid = o.oid AND o.class = 'pg_catalog.pg_proc'::regclass AND f.prokind NOT IN ('a', 'w')) p ON true
  WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = o.class AND d.objid = o.oid AND d.deptype = 'e')
), movable AS (
  SELECT o.place, o.class, o.oid, o.type || ' ' || o.identity AS object,
         pg_catalog.format('ALTER %s %s OWNER TO %I', CASE WHEN o.class = 'pg_catalog.pg_proc'::regclass THEN 'ROUTINE' WHEN o.type = 'statistics object' THEN 'STATISTICS'
                                                           ELSE pg_catalog.upper(o.type) END, coalesce(o.arguments, o.identity), :'new_owner') AS text
  FROM object o WHERE o.reason IS NULL
), level AS (
  SELECT l.object, pg_catalog.string_agg(l.privilege, ', ' ORDER BY l.privilege) AS privileges
  FROM pg_catalog.json_to_recordset(:'levels') AS l(level text, object text, privilege text) WHERE l.level = :'level' GROUP BY l.object
), regrant AS (
  SELECT m.oid, pg_catalog.string_agg(pg_catalog.format('; GRANT %s ON %s %s TO %I', l.privileges, CASE l.object WHEN 'sequence' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::regclass, :'old_owner'), '') AS text
  FROM movable m JOIN pg_catalog.pg_class c ON m.class = 'pg_catalog.pg_class'::regclass AND (c.oid = m.oid OR c.relkind = 'S' AND EXISTS (
    SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = m.oid AND d.deptype IN ('a', 'i')))
  JOIN level l ON l.object = CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END
  WHERE :'regrants'::bool GROUP BY m.oid
), statement AS (
  SELECT m.place, CASE WHEN m.class = 'pg_catalog.pg_class'::regclass THEN m.oid ELSE 0 END AS relation, m.text || coalesce(r.text, '') AS text
  FROM movable m LEFT JOIN regrant r ON r.oid = m.oid AND m.class = 'pg_catalog.pg_class'::regclass
  WHERE m.object NOT IN (SELECT pg_catalog.json_array_elements_text(:'exempt'))
), kept AS (
  SELECT o.type || ' ' || o.identity AS object, o.reason FROM object o WHERE o.reason IS NOT NULL
)
SELECT coalesce((SELECT pg_catalog.json_agg(pg_catalog.json_build_object('text', s.text, 'place', s.place, 'relation', s.relation) ORDER BY s.place, s.text) FROM statement s), '[]') AS missing,
       coalesce((SELECT pg_catalog.json_agg(pg_catalog.json_build_object('object', k.object, 'reason', k.reason) ORDER BY k.object) FROM kept k), '[]') AS kept,
       coalesce((SELECT pg_catalog.json_agg(m.object ORDER BY m.object) FROM movable m), '[]') AS objects \gset
