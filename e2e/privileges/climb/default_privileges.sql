-- way: change what others will own: default privileges in the name of others, grants on their objects
-- source: PostgreSQL documentation, ALTER DEFAULT PRIVILEGES
-- control: membership in the role of which it changes the default privileges
-- section: application
ALTER DEFAULT PRIVILEGES FOR ROLE shopowner GRANT ALL ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA vault GRANT ALL ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE postgres GRANT EXECUTE ON FUNCTIONS TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC;
GRANT SELECT ON vault.secrets TO PUBLIC;
GRANT ALL ON SCHEMA vault TO PUBLIC;
GRANT ALL ON ALL TABLES IN SCHEMA vault TO PUBLIC;
GRANT ALL ON ALL TABLES IN SCHEMA shop TO PUBLIC;
-- section: control
GRANT shopowner TO :"access";
