-- What the administrator's sessions are like, whatever ALTER DATABASE and ALTER ROLE say: start-up options win over both. An option that the server does not
-- know ends the login, so the first session asks for the version, and the one that works follows, in the database itself.
SELECT pg_catalog.current_setting('server_version_num')::int >= 140000 AS ends_idle, pg_catalog.current_setting('server_version_num')::int >= 170000 AS ends_long \gset
\if :ends_idle
\set options :options ' -c idle_session_timeout=60s'
\endif
\if :ends_long
\set options :options ' -c transaction_timeout=0'
\endif
-- A script that only takes away sets this.
\set leaving false
\set conn :conn ' options=\'' :options '\''
\connect -reuse-previous=on :"conn"
