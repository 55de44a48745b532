-- Goes to another database as the administrator. A \connect that fails would end psql, so it is asked for first.
SELECT EXISTS (SELECT FROM pg_catalog.pg_database d WHERE d.datname = :'database' AND d.datallowconn) AS there,
       :'database' <> pg_catalog.current_database() AS elsewhere \gset
\if :there
\if :elsewhere
\connect -reuse-previous=on :"conn"
\endif
\endif
