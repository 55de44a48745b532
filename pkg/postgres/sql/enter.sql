-- Goes to another database as the administrator. A \connect that fails would end psql, so it is asked for first.
SELECT EXISTS (SELECT FROM pg_catalog.pg_database d WHERE d.datname = :'database' AND d.datallowconn) AS there,
       :'database' <> pg_catalog.current_database() AS elsewhere \gset
\if :there
\if :elsewhere
\connect -reuse-previous=on :"conn"
SELECT pg_catalog.set_config('search_path', '', false) AS ignored,
       CASE WHEN pg_catalog.current_setting('idle_session_timeout', true) IS NOT NULL
           THEN pg_catalog.set_config('idle_session_timeout', '60s', false) END AS idle \gset
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET client_min_messages = warning;
SET statement_timeout = '60s';
\endif
\endif
