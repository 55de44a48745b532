-- Reports what other roles run when they use an unqualified name and :role or :access owns or can create it: schemas
-- with the name of a role, with which the default search_path begins, and functions and operators that can fit better
-- than those of pg_catalog.
WITH application AS (
  SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname IN (:'role', :'access')
), other AS (
  SELECT r.oid, r.rolname FROM pg_catalog.pg_roles r
  WHERE r.rolcanlogin AND (r.rolsuper OR NOT EXISTS (SELECT FROM application a WHERE pg_catalog.pg_has_role(r.oid, a.oid, 'MEMBER')))
), schema AS (
  SELECT pg_catalog.format('unqualified names in the sessions of role %I mean what this application creates in schema %I', o.rolname, n.nspname) AS what,
         pg_catalog.format('ALTER SCHEMA %I RENAME TO %I', n.nspname, n.nspname || '_app') AS fix
  FROM pg_catalog.pg_namespace n JOIN other o ON o.rolname = n.nspname
  WHERE EXISTS (SELECT FROM application a WHERE pg_catalog.has_schema_privilege(a.oid, n.oid, 'CREATE'))
), called AS (
  SELECT p.oid::regprocedure::text AS name, pg_catalog.format('function %s', p.oid::regprocedure) AS object, p.pronamespace AS namespace, p.proname::text AS word
  FROM pg_catalog.pg_proc p
  WHERE p.proowner IN (SELECT a.oid FROM application a)
    AND EXISTS (SELECT FROM pg_catalog.pg_proc b WHERE b.pronamespace = 'pg_catalog'::regnamespace AND b.proname = p.proname AND b.pronargs = p.pronargs)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_proc b WHERE b.pronamespace = 'pg_catalog'::regnamespace AND b.proname = p.proname AND b.proargtypes = p.proargtypes)
  UNION ALL
  SELECT p.oid::regoperator::text, pg_catalog.format('operator %s', p.oid::regoperator), p.oprnamespace, p.oprname::text
  FROM pg_catalog.pg_operator p
  WHERE p.oprowner IN (SELECT a.oid FROM application a)
    AND EXISTS (SELECT FROM pg_catalog.pg_operator b WHERE b.oprnamespace = 'pg_catalog'::regnamespace AND b.oprname = p.oprname)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_operator b
                    WHERE b.oprnamespace = 'pg_catalog'::regnamespace AND b.oprname = p.oprname AND b.oprleft = p.oprleft AND b.oprright = p.oprright)
), overload AS (
  SELECT pg_catalog.format('roles that call %s unqualified may run %s of this application, with schema %I in their search_path: %s',
                           c.word, c.object, n.nspname, (SELECT pg_catalog.string_agg(s.rolname, ', ') FROM (
                             SELECT o.rolname FROM other o WHERE pg_catalog.has_schema_privilege(o.oid, n.oid, 'USAGE') ORDER BY o.rolname LIMIT 5) s)) AS what
  FROM called c JOIN pg_catalog.pg_namespace n ON n.oid = c.namespace
)
SELECT 'pgbind ' || pg_catalog.json_build_object('shadows', coalesce((SELECT pg_catalog.json_agg(s ORDER BY s.what) FROM schema s), '[]'),
  'sharedCode', coalesce((SELECT pg_catalog.json_agg(l.what) FROM (SELECT o.what FROM overload o WHERE o.what IS NOT NULL ORDER BY o.what LIMIT 20) l), '[]'));
