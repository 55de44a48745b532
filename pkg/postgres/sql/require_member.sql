-- Ends the script if no login role of the binding is a member of the access role: the metadata of the binding, which
-- can be forged, then names a wrong one.
SELECT NOT EXISTS (
  SELECT FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles r ON r.oid = m.member JOIN pg_catalog.pg_roles a ON a.oid = m.roleid
  WHERE a.rolname = :'access' AND pg_catalog.starts_with(pg_catalog.shobj_description(r.oid, 'pg_authid'), :'claim')) AS is_stranger \gset
\if :is_stranger
SELECT 'pgbind ' || pg_catalog.json_build_object('refused', pg_catalog.json_build_object('role', :'access', 'verdict', 'foreign'));
\quit
\endif
