-- way: drop or rename somebody else's tables, or the schema itself, and put one's own in their place
-- source: PostgreSQL documentation, DROP TABLE
-- control: the application owns the bound schema
-- section: application
DROP TABLE shop.items CASCADE;
DROP TABLE shop.orders;
DROP FUNCTION shop.total();
DROP SEQUENCE shop.number;
ALTER SCHEMA shop RENAME TO old;
ALTER SCHEMA shop OWNER TO CURRENT_USER;
DROP SCHEMA shop CASCADE;
DROP OWNED BY shopowner;
DROP OWNED BY CURRENT_USER;
-- section: control
ALTER SCHEMA shop OWNER TO :"access";
