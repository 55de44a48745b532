-- way: change settings, owner, limits and name of the database
-- source: found in this project
-- control: the application owns the database
-- section: application
ALTER DATABASE :"DBNAME" SET search_path = shop;
ALTER DATABASE :"DBNAME" SET role = 'shopowner';
ALTER DATABASE :"DBNAME" SET default_transaction_read_only = on;
ALTER DATABASE :"DBNAME" RESET ALL;
ALTER DATABASE :"DBNAME" SET work_mem = '5MB';
ALTER DATABASE :"DBNAME" CONNECTION LIMIT 1;
ALTER DATABASE :"DBNAME" IS_TEMPLATE true;
ALTER DATABASE :"DBNAME" OWNER TO CURRENT_USER;
COMMENT ON DATABASE :"DBNAME" IS 'mine';
GRANT ALL ON DATABASE :"DBNAME" TO PUBLIC;
CREATE DATABASE climb_new;
CREATE DATABASE climb_copy TEMPLATE :"DBNAME";
CREATE TABLESPACE climb LOCATION '/tmp';
-- section: control
SELECT format('ALTER DATABASE %I OWNER TO %I', current_database(), :'access') \gexec
