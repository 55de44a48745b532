-- way: write a file of the server with COPY
-- source: PostgreSQL documentation, COPY
-- control: membership in pg_write_server_files
-- section: application
SELECT format('COPY (SELECT 1) TO ''/tmp/climb_file_%s''', current_database()) \gexec
SELECT format('COPY (SELECT 1) TO ''%s/climb_file_%s''', current_setting('data_directory', true), current_database()) \gexec
COPY (SELECT 1) TO '/var/lib/postgresql/data/postgresql.auto.conf';
COPY (SELECT 1) TO '../climb_file';
-- section: control
GRANT pg_write_server_files TO :"access";
