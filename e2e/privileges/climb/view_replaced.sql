-- way: replace a view that a superuser's materialized view reads, and wait for the refresh
-- source: PostgreSQL documentation, REFRESH MATERIALIZED VIEW
-- control: the application owns a view that a superuser's materialized view reads
-- section: setup
CREATE VIEW shop.newest AS SELECT max(id) AS id FROM shop.orders;
CREATE MATERIALIZED VIEW vault.report AS SELECT id FROM shop.newest;
-- section: application
CREATE FUNCTION shop.f(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS :'note';
CREATE OR REPLACE VIEW shop.newest AS SELECT shop.f(1) AS id FROM shop.orders;
CREATE OR REPLACE RULE "_RETURN" AS ON SELECT TO shop.newest DO INSTEAD SELECT shop.f(1) AS id;
ALTER VIEW shop.newest RENAME TO old;
CREATE VIEW shop.newest AS SELECT shop.f(1) AS id;
-- section: others
REFRESH MATERIALIZED VIEW vault.report;
-- section: control
ALTER VIEW shop.newest OWNER TO :"access";
