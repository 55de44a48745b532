-- What each database holds before its bindings are made.
CREATE SCHEMA vault;
CREATE SCHEMA shop;
CREATE SCHEMA island;
CREATE SCHEMA ext;
GRANT USAGE ON SCHEMA ext TO PUBLIC;
GRANT USAGE, CREATE ON SCHEMA shop TO shopowner;

CREATE TABLE vault.secrets (id int PRIMARY KEY, note text);
INSERT INTO vault.secrets VALUES (1, :'canary');
ANALYZE vault.secrets;

CREATE TABLE shop.items (id int PRIMARY KEY, name text);
INSERT INTO shop.items VALUES (1, 'cup'), (2, 'pot');
CREATE SEQUENCE shop.number;
CREATE FUNCTION shop.total() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM shop.items';

SET SESSION AUTHORIZATION shopowner;
CREATE TYPE shop.status AS ENUM ('new', 'paid');
CREATE TABLE shop.orders (id int PRIMARY KEY, note text, status shop.status DEFAULT 'new');
INSERT INTO shop.orders VALUES (1, 'two cups');
CREATE FUNCTION shop.tax(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 / 5';
RESET SESSION AUTHORIZATION;

-- The binding of another tenant gets this one, and an isolated tenant the next.
CREATE TABLE shop.neighbour (id int PRIMARY KEY, note text);
INSERT INTO shop.neighbour VALUES (1, 'row');
CREATE TABLE island.rows (id int PRIMARY KEY, note text);
INSERT INTO island.rows VALUES (1, :'canary');

-- An extension with a function, and with a table in the bound schema.
CREATE EXTENSION pg_trgm SCHEMA ext;
CREATE TABLE shop.extension_rows (id int PRIMARY KEY, note text);
INSERT INTO shop.extension_rows VALUES (1, :'canary');
ALTER EXTENSION pg_trgm ADD TABLE shop.extension_rows;
