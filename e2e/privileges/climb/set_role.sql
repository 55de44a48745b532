-- way: become another role: SET ROLE, set_config, settings of the role, membership granted to oneself
-- source: CVE-2024-10978
-- control: membership in another role
-- section: application
SET ROLE postgres;
SET ROLE shopowner;
DO $$ BEGIN RAISE WARNING 'ran as % in %', current_user, current_database(); END $$;
SELECT set_config('role', 'postgres', false);
SET LOCAL ROLE pg_read_all_data;
RESET ROLE;
SET ROLE NONE;
GRANT postgres TO CURRENT_USER;
GRANT shopowner TO CURRENT_USER WITH ADMIN OPTION;
GRANT pg_execute_server_program, pg_read_all_settings TO CURRENT_USER;
ALTER ROLE :"login" SET role = 'postgres';
ALTER ROLE :"login" IN DATABASE :"DBNAME" SET role = 'postgres';
ALTER GROUP shopowner ADD USER CURRENT_USER;
GRANT :"login" TO keyholder;
GRANT :"access" TO keyholder;
BEGIN;
SET TRANSACTION READ ONLY;
ROLLBACK;
-- section: again
DO $$ BEGIN RAISE WARNING 'ran as % in %', current_user, current_database(); END $$;
-- section: control
GRANT shopowner TO :"login";
