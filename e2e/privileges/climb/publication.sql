-- way: publish somebody else's tables to a subscriber
-- source: CVE-2020-14349
-- control: membership in the role that owns a table
-- section: application
CREATE PUBLICATION climb_a FOR ALL TABLES;
CREATE PUBLICATION climb_b FOR TABLE vault.secrets;
CREATE PUBLICATION climb_c FOR TABLE shop.orders;
CREATE PUBLICATION climb_d FOR TABLES IN SCHEMA shop;
CREATE PUBLICATION climb_e;
ALTER PUBLICATION climb_e ADD TABLE shop.items;
ALTER PUBLICATION climb_e ADD TABLE shop.neighbour;
ALTER PUBLICATION climb_e OWNER TO postgres;
-- section: control
GRANT shopowner TO :"access";
