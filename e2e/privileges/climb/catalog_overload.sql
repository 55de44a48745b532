-- way: create in PostgreSQL's own schemas, which come first in every search_path
-- source: PostgreSQL documentation, The System Catalog Schema
-- control: CREATE on pg_catalog
-- section: application
CREATE FUNCTION pg_catalog.lower(varchar) RETURNS text LANGUAGE plpgsql AS :'note';
CREATE FUNCTION information_schema.lower(varchar) RETURNS text LANGUAGE plpgsql AS :'note';
CREATE OPERATOR pg_catalog.+ (FUNCTION = lower, LEFTARG = varchar, RIGHTARG = varchar);
CREATE OR REPLACE FUNCTION pg_catalog.upper(text) RETURNS text LANGUAGE plpgsql AS :'note';
CREATE SCHEMA pg_climb;
CREATE TABLE pg_catalog.pg_mine (id int);
ALTER FUNCTION shop.lower(varchar) SET SCHEMA pg_catalog;
-- section: others
SELECT lower('X'::varchar);
SELECT upper('x'::text);
-- section: control
GRANT CREATE ON SCHEMA pg_catalog TO :"access";
