-- Sets :doubtful if the login role may lack privileges: the administrator is not a superuser, the login role does not
-- inherit from the access role, or a schema is missing.
SELECT NOT :'superuser'::bool OR NOT :'acts_as_access'::bool AND NOT pg_catalog.pg_has_role(:'role', :'access', 'USAGE')
       OR EXISTS (SELECT FROM pg_catalog.json_to_recordset(:'schemas') AS s(name name, key text)
                  WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = s.name)) AS doubtful \gset
