-- Goes to the database that follows :database in the order of names, if there is one, and reports what an audit needs
-- from its catalogs. A \connect that fails ends psql, so the name is reported before. Names are compared byte by byte,
-- because each database has a collation of its own.
SELECT n.name IS NOT NULL AS there, coalesce(n.name, :'database') AS database,
       'dbname=''' || pg_catalog.replace(pg_catalog.replace(coalesce(n.name, ''), '\', '\\'), '''', '\''') || '''' AS conn
FROM (SELECT pg_catalog.min(d.datname::text COLLATE pg_catalog."C") AS name FROM pg_catalog.pg_database d
      WHERE d.datallowconn AND d.datconnlimit <> -2 AND NOT d.datistemplate AND d.datname::text COLLATE pg_catalog."C" > :'database') n \gset
