-- way: refresh, reindex or lock what somebody else owns
-- source: PostgreSQL documentation, MAINTAIN
-- versions: 17-
-- control: MAINTAIN on a superuser's materialized view
-- section: setup
CREATE MATERIALIZED VIEW vault.clock AS SELECT clock_timestamp() AS now;
GRANT USAGE ON SCHEMA vault TO PUBLIC;
-- section: application
REFRESH MATERIALIZED VIEW vault.clock;
REFRESH MATERIALIZED VIEW CONCURRENTLY vault.clock;
CLUSTER shop.items USING items_pkey;
VACUUM FULL shop.items;
REINDEX TABLE shop.items;
ANALYZE shop.orders;
REINDEX SYSTEM;
-- section: control
GRANT MAINTAIN ON vault.clock TO :"access";
