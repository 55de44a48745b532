-- Prints what the role :login can use of PostgreSQL's own objects that PUBLIC cannot, and the number of privileges that were compared.
WITH compared(what, more, same) AS (
  SELECT p || ' on ' || c.oid::regclass, has_table_privilege(:'login', c.oid, p), has_table_privilege('public', c.oid, p)
  FROM pg_class c, unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) p
  WHERE c.relnamespace IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace, 'pg_toast'::regnamespace) AND c.oid < 16384
    AND c.relkind NOT IN ('i', 'I', 'S', 'c')
  UNION ALL
  SELECT p || ' on ' || c.oid::regclass || '.' || a.attname, has_column_privilege(:'login', c.oid, a.attnum, p), has_column_privilege('public', c.oid, a.attnum, p)
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped, unnest('{SELECT,UPDATE}'::text[]) p
  WHERE c.relnamespace IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) AND c.relkind IN ('r', 'v')
  UNION ALL
  SELECT 'EXECUTE on ' || p.oid::regprocedure, has_function_privilege(:'login', p.oid, 'EXECUTE'), has_function_privilege('public', p.oid, 'EXECUTE')
  FROM pg_proc p WHERE p.pronamespace IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
)
SELECT what FROM compared WHERE more IS DISTINCT FROM same
UNION ALL
SELECT 'compared ' || count(*) FROM compared;
