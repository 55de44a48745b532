-- way: see rows that a view filters out, by a cheap function or operator that the planner calls before the filter
-- source: PostgreSQL documentation, Rules and Privileges
-- control: the view of a superuser loses security_barrier
-- section: setup
CREATE TABLE vault.calls (tenant text, phone text);
INSERT INTO vault.calls VALUES ('shop', '1'), ('bank', :'canary');
CREATE VIEW shop.calls WITH (security_barrier) AS SELECT * FROM vault.calls WHERE tenant = 'shop';
GRANT SELECT ON shop.calls TO PUBLIC;
-- section: application
CREATE FUNCTION shop.peek(text) RETURNS boolean COST 0.0000001 LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$;
SELECT count(*) FROM shop.calls WHERE shop.peek(phone);
CREATE FUNCTION pg_temp.peek(text) RETURNS boolean COST 0.0000001 LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$;
SELECT count(*) FROM shop.calls WHERE pg_temp.peek(phone);
SELECT count(*) FROM shop.calls WHERE phone::int = 1;
SELECT (SELECT count(*) FROM shop.calls c WHERE pg_temp.peek(c.phone) AND c.phone <> i.name) FROM shop.items i;
-- section: control
ALTER VIEW shop.calls RESET (security_barrier);
