-- way: become the superuser with SET SESSION AUTHORIZATION, or with the settings behind it
-- source: PostgreSQL documentation, SET SESSION AUTHORIZATION
-- control: superuser
-- section: application
SET ROLE NONE;
SET SESSION AUTHORIZATION postgres;
DO $$ BEGIN RAISE WARNING 'ran as % in %', current_user, current_database(); END $$;
RESET SESSION AUTHORIZATION;
SELECT set_config('session_authorization', 'postgres', false);
SET session_authorization = postgres;
SET is_superuser = on;
SELECT set_config('is_superuser', 'on', false);
ALTER ROLE :"login" SET session_authorization = 'postgres';
CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE plpgsql SET session_authorization = 'postgres' AS :'note';
SELECT pg_temp.f();
CREATE FUNCTION pg_temp.g() RETURNS int LANGUAGE plpgsql SET role = 'postgres' AS :'note';
SELECT pg_temp.g();
