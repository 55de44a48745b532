SELECT pg_catalog.format('ALTER ROLE %I RENAME TO %I', :'subject', :'kept')
WHERE NOT :'absent'::bool AND :'subject' <> :'kept' \gexec
