-- Databases, roles and schemas, made by the superuser. A comment names what the model has to know about an object.
CREATE ROLE "Own""er; --'x";
CREATE ROLE "model super" SUPERUSER;
CREATE ROLE newcomer;
CREATE DATABASE model;
CREATE DATABASE closed;
REVOKE ALL ON DATABASE model, closed FROM PUBLIC;
COMMENT ON DATABASE model IS 'closed';
COMMENT ON DATABASE closed IS 'closed';
COMMENT ON DATABASE postgres IS NULL;
COMMENT ON DATABASE template0 IS 'closed public CONNECT';
COMMENT ON DATABASE template1 IS 'closed public CONNECT';
\connect model
CREATE SCHEMA shop;
COMMENT ON SCHEMA shop IS NULL;
CREATE SCHEMA "we""ird; Sch'ema" AUTHORIZATION "Own""er; --'x";
CREATE SCHEMA hidden;
CREATE SCHEMA open;
GRANT USAGE ON SCHEMA open TO PUBLIC;
COMMENT ON SCHEMA open IS 'public USAGE';
SELECT CASE WHEN current_setting('server_version_num')::int >= 150000 THEN 'public USAGE' ELSE 'public USAGE CREATE' END AS trait \gset
COMMENT ON SCHEMA public IS :'trait';
CREATE SCHEMA ext_owned;
COMMENT ON SCHEMA pg_catalog IS 'public USAGE';
COMMENT ON SCHEMA information_schema IS 'public USAGE';
GRANT USAGE, CREATE ON SCHEMA shop, hidden TO "Own""er; --'x";
GRANT USAGE, CREATE ON SCHEMA shop, "we""ird; Sch'ema" TO newcomer;
CREATE TABLE hidden.salaries AS SELECT 1 AS salary;
CREATE SEQUENCE hidden.numbers;
CREATE VIEW hidden.view AS SELECT salary FROM hidden.salaries;
CREATE FUNCTION hidden.peek() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT salary FROM hidden.salaries';
CREATE FUNCTION hidden.peek(int, int) RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT salary FROM hidden.salaries';
CREATE AGGREGATE hidden.peeks(int) (SFUNC = hidden.peek, STYPE = int, INITCOND = '0');
CREATE FUNCTION hidden.noop() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER "model event" ON ddl_command_end EXECUTE FUNCTION hidden.noop();
CREATE EXTENSION file_fdw SCHEMA hidden;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN DATA WRAPPER "closed fdw";
CREATE FOREIGN DATA WRAPPER "open fdw";
GRANT USAGE ON FOREIGN DATA WRAPPER "open fdw" TO PUBLIC;
COMMENT ON FOREIGN DATA WRAPPER "open fdw" IS 'public USAGE';
CREATE SERVER "open server" FOREIGN DATA WRAPPER "open fdw";
GRANT USAGE ON FOREIGN SERVER "open server" TO PUBLIC;
COMMENT ON SERVER "open server" IS 'public USAGE';
CREATE SERVER "closed server" FOREIGN DATA WRAPPER "open fdw";
CREATE EXTENSION hstore SCHEMA shop;
CREATE EXTENSION citext SCHEMA open;
CREATE TABLE ext_owned.table (id int PRIMARY KEY);
CREATE PUBLICATION "model publication" FOR ALL TABLES WITH (publish = 'insert');
SELECT current_setting('server_version_num')::int >= 150000 AS has_parameters \gset
\if :has_parameters
GRANT SET ON PARAMETER log_min_duration_statement TO PUBLIC;
GRANT SET ON PARAMETER log_statement TO "Own""er; --'x";
GRANT ALTER SYSTEM ON PARAMETER work_mem TO "Own""er; --'x";
\endif
