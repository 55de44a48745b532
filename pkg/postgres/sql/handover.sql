-- In this database: what the role :subject owns goes to the role :heir, then its grants, policies and default privileges go away.
-- DROP OWNED would drop what the role still owns, so it never runs without an heir where there is something to inherit.
SELECT :'heir' = '' AND EXISTS (
         SELECT FROM pg_catalog.pg_shdepend s JOIN pg_catalog.pg_roles r ON r.oid = s.refobjid AND r.rolname = :'subject'
         WHERE s.refclassid = 'pg_catalog.pg_authid'::regclass AND s.deptype = 'o'
           AND s.classid NOT IN ('pg_catalog.pg_default_acl'::regclass, 'pg_catalog.pg_user_mapping'::regclass)
           AND s.dbid IN (0, (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))) AS homeless \gset
\if :homeless
SELECT 'pgbind ' || pg_catalog.json_build_object('homeless', pg_catalog.current_database());
\quit
\endif
SELECT text, pg_catalog.format('SELECT %L', 'pgbind ' || pg_catalog.json_build_object('did', text || pg_catalog.format(' (in database %I)', pg_catalog.current_database()))::text)
FROM (
  SELECT pg_catalog.format('REASSIGN OWNED BY %I TO %I', :'subject', :'heir') AS text WHERE :'heir' <> ''
  UNION ALL
  SELECT pg_catalog.format('DROP OWNED BY %I RESTRICT', :'subject')
) statement WHERE NOT :'absent'::bool \gexec
SELECT pg_catalog.format('REVOKE %I FROM CURRENT_USER', :'heir') WHERE :'leaves_heir'::bool \gexec
