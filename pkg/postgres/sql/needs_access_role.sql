-- Sets :needs_access if the access role does not exist, or its comment is not the expected one. This check has no lock;
-- the next step decides with the lock.
SELECT NOT EXISTS (
  SELECT FROM pg_catalog.pg_roles r
  WHERE r.rolname = :'access' AND pg_catalog.starts_with(pg_catalog.shobj_description(r.oid, 'pg_authid'), :'access_claim')
    AND NOT (pg_catalog.strpos(:'access_mark', ' isolated=true ') > 0 AND pg_catalog.strpos(pg_catalog.shobj_description(r.oid, 'pg_authid'), ' isolated=true ') = 0)
) AS needs_access \gset
