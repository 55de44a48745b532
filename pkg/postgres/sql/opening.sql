-- Sets the options of the administrator's sessions. Start-up options take precedence over ALTER DATABASE and ALTER
-- ROLE. An unknown option would end the login, so a first session reads the version, and the second one, in the
-- database itself, has all options of that version.
SELECT pg_catalog.current_setting('server_version_num')::int >= 140000 AS has_idle_session_timeout, pg_catalog.current_setting('server_version_num')::int >= 170000 AS has_transaction_timeout \gset
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
-- Scripts that only disable or drop roles set this to true: judge.sql then accepts roles that another role administers, too.
\set leaving false
\set conn :conn ' options=\'' :options '\''
\connect -reuse-previous=on :"conn"
-- A database of the encoding SQL_ASCII stores bytes that may be no text of another encoding: they pass as they are.
SELECT pg_catalog.set_config('client_encoding', CASE pg_catalog.current_setting('server_encoding') WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END, false) AS ignored \gset
