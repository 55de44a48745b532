-- Sets whether the effective privileges must be checked: a superuser can grant everything, another administrator cannot, and a membership can fail to reach
-- the login role.
SELECT NOT :'superuser'::bool OR NOT :'acts_as_access'::bool AND NOT pg_catalog.pg_has_role(:'role', :'access', 'USAGE')
       OR EXISTS (SELECT FROM pg_catalog.json_to_recordset(:'schemas') AS s(name name, key text)
                  WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = s.name)) AS doubtful \gset
\if :doubtful
