-- The login of number :about follows. One that fails ends psql; the number then tells which it was.
\echo 'pgbind {"attempt":' :about '}'
