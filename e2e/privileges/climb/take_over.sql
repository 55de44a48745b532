-- way: take over or drop what somebody else owns
-- source: PostgreSQL documentation, REASSIGN OWNED
-- control: membership in the role that owns it
-- section: application
REASSIGN OWNED BY shopowner TO CURRENT_USER;
REASSIGN OWNED BY postgres TO CURRENT_USER;
ALTER TABLE shop.orders OWNER TO CURRENT_USER;
ALTER FUNCTION shop.tax(int) OWNER TO CURRENT_USER;
ALTER FUNCTION shop.total() OWNER TO CURRENT_USER;
ALTER TABLE vault.secrets OWNER TO CURRENT_USER;
CREATE OR REPLACE FUNCTION shop.tax(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS :'note';
ALTER SEQUENCE shop.number OWNED BY NONE;
DROP OWNED BY shopowner;
-- section: others
SELECT shop.tax(10);
-- section: control
GRANT shopowner TO :"access";
