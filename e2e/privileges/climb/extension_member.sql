-- way: replace, rename or take over the functions of an extension, or add one's own to it
-- source: PostgreSQL documentation, ALTER EXTENSION
-- control: the application owns a function of an extension
-- section: setup
CREATE SCHEMA ops;
CREATE EXTENSION fuzzystrmatch SCHEMA shop;
CREATE FUNCTION ops.job() RETURNS text LANGUAGE sql AS $$ SELECT shop.soundex('a'::text) $$;
-- section: application
CREATE OR REPLACE FUNCTION shop.soundex(text) RETURNS text LANGUAGE plpgsql AS :'note';
CREATE FUNCTION shop.soundex(unknown) RETURNS text LANGUAGE plpgsql AS :'note';
CREATE FUNCTION shop.soundex(varchar) RETURNS text LANGUAGE plpgsql AS :'note';
CREATE OR REPLACE FUNCTION ext.similarity(text, text) RETURNS real LANGUAGE plpgsql AS :'note';
ALTER FUNCTION ext.similarity(text, text) OWNER TO CURRENT_USER;
ALTER FUNCTION ext.similarity(text, text) SET search_path = shop;
CREATE FUNCTION ext.similarity(unknown, unknown) RETURNS real LANGUAGE plpgsql AS :'note';
CREATE FUNCTION shop.f() RETURNS int LANGUAGE plpgsql AS :'note';
ALTER EXTENSION pg_trgm ADD FUNCTION shop.f();
ALTER EXTENSION pg_trgm DROP FUNCTION ext.similarity(text, text);
ALTER EXTENSION pg_trgm SET SCHEMA shop;
ALTER EXTENSION pg_trgm UPDATE TO '1.6';
DROP EXTENSION pg_trgm CASCADE;
-- section: others
SELECT ops.job();
-- section: control
ALTER FUNCTION shop.soundex(text) OWNER TO :"access";
