-- In this database, removes the grants, policies and default privileges of the access role :subject, which owned
-- nothing in the last check. What an open session has created for it since then is reassigned to a temporary role: if
-- that role owns something, the script rolls back and the access role stays.
\if :mine
SELECT 'pgbind_keeper_' || pg_catalog.substr(pg_catalog.md5(:'subject'), 1, 10) AS keeper \gset
CREATE ROLE :"keeper";
\if :superuser
\else
GRANT :"keeper" TO CURRENT_USER;
SELECT pg_catalog.format('GRANT %I TO CURRENT_USER', r.rolname) FROM pg_catalog.pg_roles r WHERE r.rolname = :'subject' AND NOT pg_catalog.pg_has_role(r.oid, 'USAGE') \gexec
\endif
REASSIGN OWNED BY :"subject" TO :"keeper";
SELECT EXISTS (SELECT FROM pg_catalog.pg_shdepend s JOIN pg_catalog.pg_roles r ON r.oid = s.refobjid
               WHERE s.refclassid = 'pg_catalog.pg_authid'::regclass AND r.rolname = :'keeper' AND s.deptype = 'o') AS stays \gset
\if :stays
SELECT 'pgbind ' || pg_catalog.json_build_object('stays', true);
\quit
\endif
-- From 17 on, REASSIGN OWNED also moves the access role's entries in the initial privileges of extensions.
DROP OWNED BY :"keeper" RESTRICT;
DROP ROLE :"keeper";
DROP OWNED BY :"subject" RESTRICT;
SELECT 'pgbind ' || pg_catalog.json_build_object('did', pg_catalog.format('DROP OWNED BY %I RESTRICT (in database %I)', :'subject', pg_catalog.current_database()));
\endif
