-- What follows is about binding number :about.
\echo 'pgbind {"about":' :about '}'
