-- In this database, reassigns what the role :subject still owns to the role :new_owner, then removes its grants, policies
-- and default privileges. DROP OWNED alone would drop what the role owns.
SELECT text, pg_catalog.format('SELECT %L', 'pgbind ' || pg_catalog.json_build_object('did', text || pg_catalog.format(' (in database %I)', pg_catalog.current_database()))::text)
FROM (
  SELECT pg_catalog.format('REASSIGN OWNED BY %I TO %I', :'subject', :'new_owner') AS text WHERE :'new_owner_is_access'::bool OR :'needs_owner'::bool
  UNION ALL
  SELECT pg_catalog.format('DROP OWNED BY %I RESTRICT', :'subject')
) statement WHERE NOT :'absent'::bool \gexec
SELECT pg_catalog.format('REVOKE %I FROM CURRENT_USER', :'new_owner') WHERE :'leaves_new_owner'::bool \gexec
