-- What follows the first bind: the tenants own something.
ALTER TABLE shop.neighbour OWNER TO :"neighbour";
ALTER TABLE island.rows OWNER TO :"island";
