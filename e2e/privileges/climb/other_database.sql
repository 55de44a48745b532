-- way: read the tables of another database of the server
-- source: PostgreSQL documentation, GRANT, PUBLIC
-- control: SELECT for PUBLIC on a table of another database
-- section: application
\connect postgres
SELECT note FROM public.other;
CREATE TABLE public.mine (id int);
CREATE SCHEMA mine;
\connect template1
CREATE TABLE public.mine (id int);
CREATE SCHEMA mine;
-- section: control
\connect postgres
GRANT SELECT ON public.other TO PUBLIC;
