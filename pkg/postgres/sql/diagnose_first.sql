-- Runs the first statement of :pending again. An error that neither another session nor a full access list causes ends
-- the script. A missing object was dropped by another session, or is missing to an event trigger. From version 17 on, psql does not keep the SQLSTATE of a statement that \gexec ran. This one is therefore
-- run as a variable; format() of the server quoted the names in it.
SELECT pg_catalog.min(l.text) AS first, pg_catalog.count(*) > 0 AS has_first
FROM pg_catalog.json_to_recordset(:'pending') AS l(number int, text text) WHERE l.number = 1 \gset
\if :has_first
SET lock_timeout = '100ms';
\set ON_ERROR_STOP off
:first ;
\set ON_ERROR_STOP on
SELECT :'SQLSTATE' NOT IN ('00000', '55P03', '57014', 'XX000', '40001', '40P01', '23505', '42P01', '42704', '42883', '3F000', '54000')
       OR :'SQLSTATE' IN ('42P01', '42704', '42883', '3F000') AND EXISTS (SELECT FROM pg_catalog.pg_event_trigger e WHERE e.evtenabled IN ('O', 'A')) AS is_fault,
       :'SQLSTATE' = '00000' AS is_done \gset
SET lock_timeout = '3s';
\if :is_fault
:first ;
\endif
SELECT 'pgbind ' || pg_catalog.json_build_object('did', :'first') WHERE :'is_done'::bool;
\endif
