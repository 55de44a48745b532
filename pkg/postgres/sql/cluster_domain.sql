-- Reports the cluster's domain from the resolver configuration of the database Pod. The server reads the file, so this needs no shell.
\set domain ''
\set of_domain ''
\if :superuser
SELECT coalesce(m.domain, '') AS domain, coalesce('.' || m.domain, '') AS of_domain
FROM (SELECT (pg_catalog.regexp_match(pg_catalog.pg_read_file('/etc/resolv.conf', 0, 65536, true), '\ssvc\.([A-Za-z0-9.-]+)'))[1] AS domain) m \gset
\echo 'pgbind {"domain": "':domain'"}'
\endif
