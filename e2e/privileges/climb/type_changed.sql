-- way: change or take over the types, comments and names of somebody else's objects
-- source: PostgreSQL documentation, ALTER TYPE
-- control: membership in the role that owns a type
-- section: application
ALTER TYPE shop.status ADD VALUE 'climbed';
ALTER TYPE shop.status RENAME VALUE 'new' TO 'old';
ALTER TYPE shop.status OWNER TO CURRENT_USER;
COMMENT ON TABLE shop.orders IS 'mine';
COMMENT ON ROLE :"login" IS 'mine';
COMMENT ON ROLE :"access" IS 'mine';
COMMENT ON ROLE :"neighbour" IS 'mine';
SECURITY LABEL ON TABLE shop.orders IS 'mine';
SELECT format('COMMENT ON DATABASE %I IS ''mine''', current_database()) \gexec
ALTER TABLE shop.items RENAME TO other;
ALTER TABLE shop.orders SET SCHEMA public;
UPDATE pg_type SET typowner = (SELECT oid FROM pg_roles WHERE rolname = current_user);
-- section: control
GRANT shopowner TO :"access";
