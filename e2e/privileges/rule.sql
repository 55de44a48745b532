-- case: it inserts into a table of the application that has a trigger
-- runs: as the other role
-- section: application
CREATE TABLE shop.t1 (id int);
CREATE FUNCTION shop.f1() RETURNS trigger LANGUAGE plpgsql AS :'note';
CREATE TRIGGER a AFTER INSERT ON shop.t1 FOR EACH ROW EXECUTE FUNCTION shop.f1();
-- section: other
INSERT INTO shop.t1 VALUES (1);

-- case: it commits after an insert into a table of the application that has a deferred trigger
-- runs: as the other role
-- section: application
CREATE TABLE shop.t2 (id int);
CREATE FUNCTION shop.f2() RETURNS trigger LANGUAGE plpgsql AS :'note';
CREATE CONSTRAINT TRIGGER a AFTER INSERT ON shop.t2 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION shop.f2();
-- section: other
BEGIN;
INSERT INTO shop.t2 VALUES (1);
COMMIT;

-- case: it truncates or loads a table of the application that has a trigger
-- runs: as the other role
-- section: application
CREATE TABLE shop.t3 (id int);
CREATE FUNCTION shop.f3() RETURNS trigger LANGUAGE plpgsql AS :'note';
CREATE TRIGGER a AFTER TRUNCATE ON shop.t3 FOR EACH STATEMENT EXECUTE FUNCTION shop.f3();
-- section: other
TRUNCATE shop.t3;

-- case: it inserts into a table of the application that has a rule
-- runs: as the other role
-- section: application
CREATE TABLE shop.t4 (id int);
CREATE FUNCTION shop.f4() RETURNS int LANGUAGE plpgsql AS :'note';
CREATE RULE a AS ON INSERT TO shop.t4 DO ALSO SELECT shop.f4();
-- section: other
INSERT INTO shop.t4 VALUES (1);

-- case: it inserts into a table of the application that has a default
-- runs: as the other role
-- section: application
CREATE FUNCTION shop.f5() RETURNS int LANGUAGE plpgsql AS :'note';
CREATE TABLE shop.t5 (id int, n int DEFAULT shop.f5());
-- section: other
INSERT INTO shop.t5 (id) VALUES (1);

-- case: it inserts into a table of the application that has a check
-- runs: as the other role
-- section: application
CREATE FUNCTION shop.f6(int) RETURNS boolean LANGUAGE plpgsql AS :'note';
CREATE TABLE shop.t6 (id int CHECK (shop.f6(id)));
-- section: other
INSERT INTO shop.t6 VALUES (1);

-- case: it inserts into a table of the application that has a generated column
-- runs: as the other role
-- section: application
CREATE FUNCTION shop.f7(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS :'note';
CREATE TABLE shop.t7 (id int, n int GENERATED ALWAYS AS (shop.f7(id)) STORED);
-- section: other
INSERT INTO shop.t7 VALUES (1);

-- case: it inserts into a table of the application that has an index on an expression
-- runs: as the other role
-- section: application
CREATE FUNCTION shop.f8(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS :'note';
CREATE TABLE shop.t8 (id int);
CREATE INDEX a8 ON shop.t8 (shop.f8(id));
-- section: other
INSERT INTO shop.t8 VALUES (1);

-- case: it reads a view of the application that calls a function
-- runs: as the other role
-- section: application
CREATE FUNCTION shop.f9() RETURNS int LANGUAGE plpgsql AS :'note';
CREATE VIEW shop.v9 AS SELECT shop.f9();
-- section: other
SELECT * FROM shop.v9;

-- case: it makes a materialized view of its own that reads a view of the application
-- runs: as the other role
-- section: application
CREATE FUNCTION shop.f10() RETURNS int LANGUAGE plpgsql AS :'note';
CREATE VIEW shop.v10 AS SELECT shop.f10();
-- section: other
CREATE MATERIALIZED VIEW vault.m10 AS SELECT * FROM shop.v10;

-- case: it reads a table of the application that has a policy, and is not a superuser
-- runs: as the other role
-- section: application
CREATE FUNCTION shop.f11() RETURNS boolean LANGUAGE plpgsql AS :'note';
CREATE TABLE shop.t11 (id int);
INSERT INTO shop.t11 VALUES (1);
ALTER TABLE shop.t11 ENABLE ROW LEVEL SECURITY;
CREATE POLICY a ON shop.t11 USING (shop.f11());
GRANT SELECT ON shop.t11 TO PUBLIC;
-- section: other
SET SESSION AUTHORIZATION shopowner;
SELECT * FROM shop.t11;

-- case: it calls a function of the application
-- runs: as the other role
-- section: application
CREATE FUNCTION shop.f12() RETURNS int LANGUAGE plpgsql AS :'note';
-- section: other
SELECT shop.f12();

-- case: it uses an operator of the application
-- runs: as the other role
-- section: application
CREATE FUNCTION shop.f13(int, int) RETURNS int LANGUAGE plpgsql AS :'note';
CREATE OPERATOR shop.+ (FUNCTION = shop.f13, LEFTARG = int, RIGHTARG = int);
-- section: other
SELECT 1 OPERATOR(shop.+) 2;

-- case: it converts a value of a type of the application, which has a cast
-- runs: as the other role
-- section: application
CREATE TYPE shop.e14 AS ENUM ('1');
CREATE FUNCTION shop.f14(shop.e14) RETURNS int LANGUAGE plpgsql AS :'note';
CREATE CAST (shop.e14 AS int) WITH FUNCTION shop.f14(shop.e14) AS ASSIGNMENT;
-- section: other
CREATE TABLE vault.t14 (id int);
INSERT INTO vault.t14 VALUES ('1'::shop.e14);

-- case: it writes a value of a domain of the application into a table of its own
-- runs: as the other role
-- section: application
CREATE FUNCTION shop.f15(int) RETURNS boolean LANGUAGE plpgsql AS :'note';
CREATE DOMAIN shop.d15 AS int CHECK (shop.f15(VALUE));
-- section: other
CREATE TABLE vault.t15 (id shop.d15);
INSERT INTO vault.t15 VALUES (1);

-- case: it calls a function unqualified, has the bound schema in its search_path, and the application has an overload that fits better
-- runs: as the other role
-- section: application
CREATE FUNCTION shop.lower(varchar) RETURNS text LANGUAGE plpgsql AS :'note';
-- section: other
SET search_path = shop;
SELECT lower('X'::varchar);

-- case: it calls a function unqualified that PostgreSQL has with exactly these types
-- runs: not at all
-- section: application
CREATE FUNCTION shop.upper(text) RETURNS text LANGUAGE plpgsql AS :'note';
-- section: other
SET search_path = shop;
SELECT upper('x'::text);

-- case: it calls a function unqualified, and the application has a schema with the name of that role
-- runs: as the other role
-- section: application
CREATE SCHEMA postgres;
GRANT USAGE ON SCHEMA postgres TO PUBLIC;
CREATE FUNCTION postgres.initcap(varchar) RETURNS text LANGUAGE plpgsql AS :'note';
-- section: other
SELECT initcap('x'::varchar);

-- case: it uses an operator unqualified, and the application has a schema with the name of that role
-- runs: as the other role
-- section: application
CREATE FUNCTION postgres.f19(text, int) RETURNS int LANGUAGE plpgsql AS :'note';
CREATE OPERATOR postgres.+ (FUNCTION = postgres.f19, LEFTARG = text, RIGHTARG = int);
-- section: other
SELECT 'x'::text + 1;

-- case: it names a table unqualified, and the application has a schema with the name of that role
-- runs: as the other role
-- section: application
CREATE FUNCTION postgres.f20() RETURNS int LANGUAGE plpgsql AS :'note';
CREATE VIEW postgres.jobs AS SELECT postgres.f20();
-- section: other
CREATE TABLE public.jobs (id int);
SELECT * FROM jobs;

-- case: it runs ANALYZE or VACUUM on a table of the application
-- runs: as the application
-- section: application
CREATE FUNCTION shop.f21(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS :'note';
CREATE TABLE shop.t21 (id int);
INSERT INTO shop.t21 VALUES (1), (2);
CREATE INDEX a21 ON shop.t21 (shop.f21(id));
-- section: other
ANALYZE shop.t21;
VACUUM ANALYZE shop.t21;
VACUUM FULL shop.t21;

-- case: it runs REINDEX, CLUSTER or CREATE INDEX on a table of the application
-- runs: as the application
-- section: application
CREATE FUNCTION shop.f22(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS :'note';
CREATE TABLE shop.t22 (id int PRIMARY KEY);
INSERT INTO shop.t22 VALUES (1), (2);
CREATE INDEX a22 ON shop.t22 (shop.f22(id));
-- section: other
REINDEX TABLE shop.t22;
CLUSTER shop.t22 USING t22_pkey;
CREATE INDEX b22 ON shop.t22 (shop.f22(id + 1));

-- case: it refreshes a materialized view of the application
-- runs: as the application
-- section: application
CREATE FUNCTION shop.f23() RETURNS int LANGUAGE plpgsql AS :'note';
CREATE MATERIALIZED VIEW shop.m23 AS SELECT shop.f23();
-- section: other
REFRESH MATERIALIZED VIEW shop.m23;

-- case: it calls a SECURITY DEFINER function of the application
-- runs: as the application
-- section: application
CREATE FUNCTION shop.f24() RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS :'note';
-- section: other
SELECT shop.f24();

-- case: it writes to a table of its own that references a table of the application
-- runs: as the application
-- section: application
CREATE TYPE shop.e25 AS ENUM ('1');
CREATE FUNCTION shop.f25(shop.e25) RETURNS int LANGUAGE plpgsql AS '
  BEGIN RAISE WARNING ''ran as % in %'', current_user, current_database(); RETURN 1; END';
CREATE CAST (shop.e25 AS int) WITH FUNCTION shop.f25(shop.e25) AS IMPLICIT;
CREATE TABLE shop.t25 (id int PRIMARY KEY);
INSERT INTO shop.t25 VALUES (1);
-- section: other
CREATE TABLE vault.t25 (id shop.e25 REFERENCES shop.t25(id));
INSERT INTO vault.t25 VALUES ('1');
