-- Sets the encoding in which psql exchanges text with the server. A database of the encoding SQL_ASCII stores bytes that may be no text of another encoding: they pass as they are.
SELECT pg_catalog.set_config('client_encoding', CASE pg_catalog.current_setting('server_encoding') WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END, false) AS ignored \gset
