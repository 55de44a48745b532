-- Has the server plan each of :texts as the role that is logged in, without running it, and reports the SQLSTATE of
-- each. Planning can run functions of an application, with no more than the privileges of this role. A cursor accepts
-- exactly one statement.
SET default_transaction_read_only = on;
SET plan_cache_mode = force_generic_plan;
SELECT pg_catalog.set_config('pgbind.texts', :'texts', false) AS ignored,
       pg_catalog.set_config('search_path', (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(l.name), ', ' ORDER BY l.place)
                                             FROM pg_catalog.json_array_elements_text(:'path') WITH ORDINALITY AS l(name, place)), false) AS path \gset
DO $fit$
DECLARE
  wanted record;
  plan record;
  nulls text;
  state text;
  states text[] := '{}';
BEGIN
  FOR wanted IN SELECT l.text FROM pg_catalog.json_array_elements_text(pg_catalog.current_setting('pgbind.texts')::json) WITH ORDINALITY AS l(text, place) ORDER BY l.place LOOP
    state := '00000';
    BEGIN
      IF pg_catalog.current_setting('server_version_num')::int >= 160000 THEN
        FOR plan IN EXECUTE pg_catalog.concat('EXPLAIN (GENERIC_PLAN) ', wanted.text) LOOP EXIT; END LOOP;
      ELSE
        EXECUTE 'DEALLOCATE ALL';
        EXECUTE pg_catalog.concat('PREPARE pgbind_fit AS ', wanted.text);
        SELECT pg_catalog.string_agg('NULL', ', ') INTO nulls
        FROM pg_catalog.pg_prepared_statements s CROSS JOIN LATERAL pg_catalog.unnest(s.parameter_types) WHERE s.name = 'pgbind_fit';
        FOR plan IN EXECUTE pg_catalog.concat('EXPLAIN EXECUTE pgbind_fit', '(' || nulls || ')') LOOP EXIT; END LOOP;
      END IF;
    EXCEPTION WHEN OTHERS THEN
      state := SQLSTATE;
    END;
    states := pg_catalog.array_append(states, state);
  END LOOP;
  PERFORM pg_catalog.set_config('pgbind.states', pg_catalog.array_to_json(states)::text, false);
END $fit$;
SELECT pg_catalog.concat('pgbind ', pg_catalog.json_build_object('states', pg_catalog.current_setting('pgbind.states')::json));
