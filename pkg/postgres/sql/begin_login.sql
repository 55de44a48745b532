-- Marks the login of number :about. A failed login ends psql; the last number then shows which one failed.
\echo 'pgbind {"attempt":' :about '}'
