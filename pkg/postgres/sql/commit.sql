COMMIT;
\set VERBOSITY verbose
