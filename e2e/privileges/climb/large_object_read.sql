-- way: read or change large objects of somebody else
-- source: CVE-2017-7548
-- control: lo_compat_privileges is on in the database
-- section: setup
SELECT lo_from_bytea(815, convert_to(:'canary', 'UTF8'));
-- section: application
SELECT convert_from(lo_get(815), 'UTF8');
SELECT lo_put(815, 0, 'mine');
SELECT lo_unlink(815);
SELECT * FROM pg_largeobject;
BEGIN;
SELECT lo_open(815, 262144);
SELECT convert_from(loread(0, 100), 'UTF8');
ROLLBACK;
SET lo_compat_privileges = on;
SELECT convert_from(lo_get(815), 'UTF8');
ALTER LARGE OBJECT 815 OWNER TO CURRENT_USER;
GRANT ALL ON LARGE OBJECT 815 TO CURRENT_USER;
-- section: control
SELECT format('ALTER DATABASE %I SET lo_compat_privileges = on', current_database()) \gexec
