-- way: attach a table with a trigger to somebody else's partitioned table, or make it a child of somebody else's table
-- source: PostgreSQL documentation, ALTER TABLE ATTACH PARTITION
-- control: membership in the role that owns the partitioned table
-- section: setup
SET SESSION AUTHORIZATION shopowner;
CREATE TABLE shop.log (id int, line text) PARTITION BY RANGE (id);
CREATE TABLE shop.log_old PARTITION OF shop.log FOR VALUES FROM (0) TO (100);
-- section: application
CREATE FUNCTION shop.f() RETURNS trigger LANGUAGE plpgsql AS :'note';
CREATE TABLE shop.part (id int, line text);
CREATE TRIGGER a AFTER INSERT ON shop.part FOR EACH ROW EXECUTE FUNCTION shop.f();
ALTER TABLE shop.log ATTACH PARTITION shop.part FOR VALUES FROM (100) TO (200);
CREATE TABLE shop.part2 PARTITION OF shop.log FOR VALUES FROM (200) TO (300);
ALTER TABLE shop.log DETACH PARTITION shop.log_old;
CREATE TABLE shop.child () INHERITS (shop.orders);
CREATE TABLE shop.child2 (LIKE shop.items INCLUDING ALL);
ALTER TABLE shop.child2 INHERIT shop.items;
-- section: others
INSERT INTO shop.log SELECT i, 'line' FROM generate_series(1, 99, 7) i;
SELECT count(*) FROM shop.log;
UPDATE shop.items SET name = 'plate' WHERE id = 2;
INSERT INTO shop.log SELECT 150, 'line' WHERE EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass('shop.part'));
-- section: control
GRANT shopowner TO :"access";
