-- Reassigns the tables, views and sequences of the role :subject in this database, a hundred in each transaction:
-- REASSIGN OWNED locks all of them in one transaction, and a server has room for a few thousand locks. Sequences of
-- columns follow their tables. Only a superuser needs no CREATE on the schema for it.
\if :superuser
SELECT pg_catalog.string_agg(pg_catalog.format('ALTER TABLE %s OWNER TO %I', owned.oid::regclass, :'new_owner'), '; ' ORDER BY owned.oid)
FROM (
  SELECT c.oid, pg_catalog.row_number() OVER (ORDER BY c.oid) AS place
  FROM pg_catalog.pg_class c
  WHERE c.relowner = (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = :'subject' AND NOT :'absent'::bool) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('a', 'i') AND c.relkind = 'S')
) owned GROUP BY (owned.place - 1) / 100 ORDER BY (owned.place - 1) / 100 \gexec
\endif
