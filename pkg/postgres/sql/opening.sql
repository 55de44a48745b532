-- Sets the options of the administrator's sessions. Start-up options take precedence over ALTER DATABASE and ALTER ROLE. An unknown option would end the login,
-- so a first session reads the version, and the second one, in the database itself, has all options of that version.
SELECT pg_catalog.current_setting('server_version_num')::int >= 140000 AS ends_idle, pg_catalog.current_setting('server_version_num')::int >= 170000 AS ends_long \gset
\if :ends_idle
\set options :options ' -c idle_session_timeout=60s'
\endif
\if :ends_long
\set options :options ' -c transaction_timeout=0'
\endif
-- A script that only revokes and drops sets this.
\set leaving false
\set conn :conn ' options=\'' :options '\''
\connect -reuse-previous=on :"conn"
