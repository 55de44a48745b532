-- Sets the options of the administrator's sessions. Start-up options take precedence over ALTER DATABASE and ALTER
-- ROLE. An unknown option would end the login, so a first session reads the version, and the second one, in the
-- database itself, has all options of that version.
-- The database can be gone, or its name mistyped. Names are compared as bytes: they are stored in the encoding of the
-- database in which they were created.
SELECT pg_catalog.current_setting('server_version_num')::int >= 140000 AS has_idle_session_timeout, pg_catalog.current_setting('server_version_num')::int >= 170000 AS has_transaction_timeout,
       NOT EXISTS (SELECT FROM pg_catalog.pg_database d
                   WHERE pg_catalog.encode(pg_catalog.convert_to(d.datname::text, pg_catalog.getdatabaseencoding()), 'hex') = :'home') AS no_database \gset
\if :no_database
SELECT 'pgbind ' || pg_catalog.json_build_object('databases', pg_catalog.json_agg(d.datname ORDER BY d.datname))
FROM pg_catalog.pg_database d WHERE d.datallowconn AND NOT d.datistemplate;
\echo 'pgbind {"noDatabase":true}'
\quit
\endif
\if :has_idle_session_timeout
\set options :options ' -c idle_session_timeout=60s'
\endif
\if :has_transaction_timeout
\set options :options ' -c transaction_timeout=0'
\endif
-- Event triggers stay on, because audits use them. Before version 17, only those that do not fire on a replica can be skipped.
\if :skip_event_triggers
\if :has_transaction_timeout
\set options :options ' -c event_triggers=off'
\else
\set options :options ' -c session_replication_role=replica'
\endif
\endif
-- Scripts that only disable or drop roles set this to true: verify_ownership.sql then accepts roles that another role administers, too.
\set leaving false
\set conn :conn ' options=\'' :options '\''
\connect -reuse-previous=on :"conn"
