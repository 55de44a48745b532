-- Reports, after a lock timeout ended the reassignment of what the role :subject owns here, which statements other
-- sessions prevent, and these sessions. To change the owner of a table, or to remove the role from a policy on it, no
-- other session may have any lock on the table.
WITH needed AS (
  SELECT c.oid AS relation, pg_catalog.format('ALTER TABLE %s OWNER TO %I', c.oid::regclass, :'new_owner') AS text
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_roles r ON r.oid = c.relowner AND r.rolname = :'subject' WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  UNION ALL
  SELECT p.polrelid, pg_catalog.format('ALTER POLICY %I ON %s', p.polname, p.polrelid::regclass)
  FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_roles r ON r.oid = ANY (p.polroles) AND r.rolname = :'subject'
), blocker AS (
  SELECT DISTINCT n.text, pg_catalog.format('process %s of user %s%s, %s, in a transaction since %s', a.pid, a.usename, ' (' || nullif(a.application_name, '') || ')',
                                            coalesce(a.state, 'in an unknown state'), coalesce(pg_catalog.date_trunc('second', a.xact_start)::text, 'an unknown time')) AS name
  FROM needed n JOIN pg_catalog.pg_locks l ON l.locktype = 'relation' AND l.granted AND l.relation = n.relation AND l.pid <> pg_catalog.pg_backend_pid()
  JOIN pg_catalog.pg_database d ON d.oid = l.database AND d.datname = pg_catalog.current_database()
  JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
)
SELECT 'pgbind ' || pg_catalog.json_build_object('unfinished', pg_catalog.json_agg(pg_catalog.json_build_object('statement', s.text, 'blockers', s.blockers) ORDER BY s.text))
FROM (SELECT b.text, pg_catalog.json_agg(b.name ORDER BY b.name) AS blockers FROM blocker b GROUP BY b.text ORDER BY b.text LIMIT 5) s HAVING pg_catalog.count(*) > 0;
