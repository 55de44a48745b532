-- Reports why createuser can have failed. Its own message is translated.
SELECT 'pgbind ' || pg_catalog.json_build_object('found', pg_catalog.json_build_object(
           'role', EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = :'role'),
           'createsRole', (SELECT r.rolsuper OR r.rolcreaterole FROM pg_catalog.pg_roles r WHERE r.rolname = current_user)));
