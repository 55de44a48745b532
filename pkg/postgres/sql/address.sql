-- The way over the network, where the password is asked for; on the socket or the loopback address it proves nothing.
SELECT pg_catalog.format('host=%s port=%s %s', pg_catalog.concat_ws(',', nullif(:'host', ''), nullif(:'pod_ip', '')),
                         CASE WHEN :'host' = '' OR :'pod_ip' = '' THEN :'port' ELSE :'port' || ',' || :'pod_port' END, :'login') AS conn \gset
