-- Creates the schema :new_schema for the access role, unless it exists: an existing one is used as it is, and :access
-- gets the privileges of its level there. Its comment is a hint for the roll-back of this run. An administrator who is
-- no superuser must be able to act as the owner of a new schema.
SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = :'new_schema') AS is_missing \gset
\if :is_missing
SELECT NOT (:'superuser'::bool OR pg_catalog.pg_has_role(:'access', CASE WHEN :'from_16'::bool THEN 'SET' ELSE 'MEMBER' END)) AS joins \gset
SELECT pg_catalog.format('GRANT %I TO CURRENT_USER%s', :'access', CASE WHEN :'from_16'::bool THEN ' WITH INHERIT TRUE, SET TRUE' ELSE '' END) WHERE :'joins'::bool \gexec
CREATE SCHEMA :"new_schema" AUTHORIZATION :"access";
COMMENT ON SCHEMA :"new_schema" IS :'schema_mark';
SELECT pg_catalog.format('REVOKE %I FROM CURRENT_USER', :'access') WHERE :'joins'::bool \gexec
SELECT 'pgbind ' || pg_catalog.json_build_object('did', pg_catalog.format('CREATE SCHEMA %I AUTHORIZATION %I', :'new_schema', :'access'));
\else
SELECT 'pgbind ' || pg_catalog.json_build_object('existing', pg_catalog.json_build_object('schema', n.nspname, 'owner', r.rolname))
FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_roles r ON r.oid = n.nspowner WHERE n.nspname = :'new_schema' AND r.rolname <> :'access';
\endif
