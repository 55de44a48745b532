-- way: read verifiers in the system catalogs
-- source: PostgreSQL documentation, pg_authid
-- control: SELECT on pg_authid
-- section: application
SELECT rolpassword FROM pg_authid;
SELECT passwd FROM pg_shadow;
SELECT passwd FROM pg_user;
SELECT rolpassword FROM pg_roles;
COPY pg_authid TO STDOUT;
CREATE TABLE shop.copy AS SELECT * FROM pg_authid;
CREATE VIEW shop.roles AS SELECT * FROM pg_authid;
SELECT * FROM shop.roles;
SELECT query_to_xml('TABLE pg_authid', true, true, '');
SELECT (r).rolpassword FROM pg_authid r;
SELECT * FROM pg_toast.pg_toast_1260;
SELECT pg_read_file('global/1260');
SELECT * FROM pg_catalog.pg_authid WHERE rolname = 'keyholder' FOR UPDATE;
-- section: control
GRANT SELECT ON pg_authid TO :"access";
