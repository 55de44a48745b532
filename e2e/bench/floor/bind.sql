BEGIN;
GRANT ALL PRIVILEGES ON DATABASE postgres TO :"role";
GRANT ALL PRIVILEGES ON ALL TABLES IN SCHEMA public TO :"role";
GRANT ALL PRIVILEGES ON ALL SEQUENCES IN SCHEMA public TO :"role";
ALTER ROLE :"role" LOGIN PASSWORD :'password';
COMMIT;
\set conn 'host=' :host ' port=5432 dbname=postgres user=' :role
\connect -reuse-previous=off :"conn"
SELECT current_user;
