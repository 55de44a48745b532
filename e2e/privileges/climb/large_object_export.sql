-- way: write a file of the server from a large object
-- source: PostgreSQL documentation, Large Objects, Server-Side Functions
-- control: EXECUTE on lo_export
-- section: application
SELECT lo_create(4711);
SELECT lo_put(4711, 0, 'climb');
SELECT lo_export(4711, '/tmp/climb_export_' || current_database());
SELECT lo_export(oid, '/tmp/climb_export_' || current_database()) FROM pg_largeobject_metadata;
SELECT lo_import('/etc/passwd');
-- section: control
GRANT EXECUTE ON FUNCTION lo_export(oid, text) TO :"access";
