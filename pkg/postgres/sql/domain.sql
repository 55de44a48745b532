-- The cluster's domain, as the database Pod itself resolves names; a server on this network reads it without a shell.
\set domain ''
\set of_domain ''
\if :superuser
SELECT coalesce(m.domain, '') AS domain, coalesce('.' || m.domain, '') AS of_domain
FROM (SELECT (pg_catalog.regexp_match(pg_catalog.pg_read_file('/etc/resolv.conf', 0, 65536, true), '\ssvc\.([A-Za-z0-9.-]+)'))[1] AS domain) m \gset
\echo 'pgbind {"domain": "':domain'"}'
\endif
