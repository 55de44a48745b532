-- Connects to another database as the administrator. A failed \connect would end psql, so the script first checks that
-- the database accepts it.
SELECT EXISTS (SELECT FROM pg_catalog.pg_database d WHERE d.datname = :'database' AND d.datallowconn) AS there,
       :'database' <> pg_catalog.current_database() AS elsewhere \gset
\if :there
\if :elsewhere
\connect -reuse-previous=on :"conn"
\endif
\endif
