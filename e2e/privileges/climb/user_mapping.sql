-- way: read the passwords of foreign servers and subscriptions
-- source: CVE-2017-7486
-- control: SELECT on pg_user_mapping
-- section: setup
CREATE EXTENSION postgres_fdw SCHEMA ext;
CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'far.example');
CREATE USER MAPPING FOR postgres SERVER far OPTIONS (user 'postgres', password :'canary');
CREATE USER MAPPING FOR PUBLIC SERVER far OPTIONS (user 'guest', password :'canary');
GRANT USAGE ON FOREIGN SERVER far TO PUBLIC;
-- section: application
SELECT * FROM pg_user_mappings;
SELECT * FROM pg_user_mapping;
SELECT * FROM information_schema.user_mapping_options;
SELECT * FROM information_schema._pg_user_mappings;
SELECT umoptions FROM pg_user_mapping;
ALTER SERVER far OWNER TO CURRENT_USER;
SELECT * FROM pg_subscription;
SELECT subconninfo FROM pg_subscription;
-- section: control
GRANT SELECT ON pg_user_mapping TO :"access";
