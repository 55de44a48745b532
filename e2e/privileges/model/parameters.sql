-- Prints the parameters that the role :login may set beyond its rights of old, where the server has such privileges.
SELECT current_setting('server_version_num')::int >= 150000 AS has_parameters \gset
\if :has_parameters
SELECT p || ' on ' || s.name FROM pg_settings s, unnest('{SET,ALTER SYSTEM,SET WITH GRANT OPTION}'::text[]) p WHERE has_parameter_privilege(:'login', s.name, p)
  AND s.context NOT IN ('user');
\endif
