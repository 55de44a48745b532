-- Marks what follows as the reports of binding number :about.
\echo 'pgbind {"about":' :about '}'
