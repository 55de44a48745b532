-- way: read files and folders of the server with functions
-- source: PostgreSQL documentation, Generic File Access Functions
-- control: EXECUTE on pg_read_file
-- section: setup
DO $$ BEGIN EXECUTE format('COPY vault.secrets TO %L', current_setting('data_directory') || '/vault.csv'); END $$;
-- section: application
SELECT pg_read_file('vault.csv');
SELECT pg_read_file('vault.csv', 0, 100);
SELECT encode(pg_read_binary_file('vault.csv'), 'escape');
SELECT pg_read_file('./base/../vault.csv', 0, 100, true);
SELECT pg_ls_dir('.');
SELECT pg_stat_file('vault.csv');
SELECT pg_ls_logdir();
SELECT pg_ls_waldir();
SELECT pg_current_logfile();
SELECT pg_hba_file_rules();
CREATE TEMP TABLE line (line text);
COPY line FROM '/var/lib/postgresql/data/vault.csv';
SELECT * FROM line;
SELECT lo_import('/var/lib/postgresql/data/vault.csv');
SELECT lo_from_bytea(0, pg_read_binary_file('vault.csv'));
SELECT xmlparse(document '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///var/lib/postgresql/data/vault.csv">]><a>&b;</a>');
-- section: control
GRANT EXECUTE ON FUNCTION pg_read_file(text) TO :"access";
