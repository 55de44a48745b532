-- What an application must not change: one line for each fact, as "kind|fact". What the binding's own roles own is left out.
SET search_path = pg_catalog;
SET client_min_messages = error;

CREATE TEMP VIEW mine AS SELECT oid FROM pg_authid WHERE rolname IN (:'login', :'access');
CREATE TEMP VIEW extension_member AS SELECT classid, objid FROM pg_depend WHERE deptype = 'e';
CREATE TEMP VIEW relation AS SELECT c.*, c.oid::regclass::text AS name, c.relnamespace::regnamespace::text AS schema
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relowner NOT IN (SELECT oid FROM mine) AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema';
CREATE TEMP VIEW routine AS SELECT p.*, p.oid::regprocedure::text AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE p.proowner NOT IN (SELECT oid FROM mine) AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema';
CREATE TEMP VIEW kept AS SELECT c.oid, c.name, c.relkind FROM relation c
  WHERE c.relkind IN ('r', 'm', 'S')
  AND (c.schema IN ('vault', 'island', 'ops') OR c.name IN ('shop.extension_rows', 'shop.frozen')
    OR c.schema = 'shop' AND :'level' = 'readonly');

-- Role attributes and verifiers.
SELECT 'role', rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit,
  rolvaliduntil FROM pg_authid ORDER BY rolname;
SELECT 'password', rolname, md5(rolpassword) FROM pg_authid WHERE rolname <> :'login' ORDER BY rolname;
SELECT 'member', m.member::regrole, m.roleid::regrole, m.admin_option FROM pg_auth_members m
  WHERE m.roleid NOT IN (SELECT oid FROM mine) ORDER BY 2, 3, 4;

-- Settings, and files that a way writes.
SELECT 'setting', setdatabase, setrole::regrole, setconfig FROM pg_db_role_setting
  WHERE setrole NOT IN (SELECT oid FROM mine) ORDER BY 2, 3;
SELECT 'setting', name, setting FROM pg_file_settings ORDER BY seqno;
SELECT 'setting', pg_conf_load_time();
SELECT 'setting', query_to_xml('SELECT parname, paracl FROM pg_parameter_acl ORDER BY 1', true, false, '')
  WHERE to_regclass('pg_parameter_acl') IS NOT NULL;
SELECT 'file', name FROM (SELECT pg_ls_dir('/tmp') UNION ALL SELECT pg_ls_dir('.')) f(name) WHERE name LIKE 'climb%' ORDER BY 1, 2;

-- Owners. A new object of others is no climb, a changed owner is one.
SELECT 'owner', name, relowner::regrole FROM relation ORDER BY 2;
SELECT 'owner', name, proowner::regrole FROM routine ORDER BY 2;
SELECT 'owner', oid::regtype, typowner::regrole FROM pg_type
  WHERE typowner NOT IN (SELECT oid FROM mine) AND typnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
  AND typtype <> 'b' ORDER BY 2;

-- What has code in it, or lets others do more.
SELECT 'code', p.name, md5(p.prosrc), p.prosecdef, p.proleakproof, p.proconfig, p.proacl FROM routine p
  WHERE NOT EXISTS (SELECT FROM extension_member e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid) ORDER BY 2;
SELECT 'code', t.tgname, c.name, t.tgenabled, pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN relation c ON c.oid = t.tgrelid
  WHERE NOT t.tgisinternal ORDER BY 2, 3;
SELECT 'code', r.rulename, c.name, md5(pg_get_ruledef(r.oid)) FROM pg_rewrite r JOIN relation c ON c.oid = r.ev_class
  WHERE c.schema <> 'ext' ORDER BY 2, 3;
SELECT 'code', p.polname, c.name, p.polcmd, p.polroles, pg_get_expr(p.polqual, p.polrelid) FROM pg_policy p
  JOIN relation c ON c.oid = p.polrelid ORDER BY 2, 3;
SELECT 'code', c.name, pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d JOIN relation c ON c.oid = d.adrelid ORDER BY 2, 3;
SELECT 'code', k.conname, c.name, pg_get_constraintdef(k.oid) FROM pg_constraint k JOIN relation c ON c.oid = k.conrelid ORDER BY 2, 3;
SELECT 'code', k.conname, k.contypid::regtype, pg_get_constraintdef(k.oid) FROM pg_constraint k JOIN pg_type t ON t.oid = k.contypid
  WHERE t.typowner NOT IN (SELECT oid FROM mine)
  AND NOT EXISTS (SELECT FROM extension_member e WHERE e.classid = 'pg_type'::regclass AND e.objid = t.oid) ORDER BY 2, 3;
SELECT 'code', i.indexrelid::regclass, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN relation c ON c.oid = i.indrelid ORDER BY 2;
SELECT 'code', e.enumtypid::regtype, e.enumlabel FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid
  WHERE t.typowner NOT IN (SELECT oid FROM mine) ORDER BY 2, 3;
SELECT 'code', castsource::regtype, casttarget::regtype, castfunc::regprocedure FROM pg_cast c
  WHERE castfunc IN (SELECT oid FROM pg_proc WHERE proowner IN (SELECT oid FROM mine))
  AND NOT EXISTS (SELECT FROM pg_type t WHERE t.oid IN (castsource, casttarget) AND t.typowner IN (SELECT oid FROM mine)) ORDER BY 2, 3;
SELECT 'code', lanname, lanpltrusted FROM pg_language ORDER BY 2;

-- The server's own schemas.
SELECT 'code', 'pg_proc',
  md5(string_agg(concat_ws(' ', oid, proowner, prosrc, prosecdef, proleakproof, proconfig, proacl), ',' ORDER BY oid))
  FROM pg_proc WHERE pronamespace IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace);
SELECT 'code', 'pg_class', md5(string_agg(concat_ws(' ', oid, relname, relowner, relacl), ',' ORDER BY oid))
  FROM pg_class WHERE relnamespace IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace);

-- Privileges and comments on what others own, outside what the levels are about.
SELECT 'acl', name, relacl, relrowsecurity, relforcerowsecurity FROM relation WHERE schema IN ('vault', 'island') ORDER BY 2;
SELECT 'default', defaclrole::regrole, defaclnamespace, defaclobjtype, x.grantee::regrole, x.privilege_type, x.is_grantable
  FROM pg_default_acl, aclexplode(defaclacl) x
  WHERE defaclrole NOT IN (SELECT oid FROM mine) AND x.grantee NOT IN (SELECT oid FROM mine) ORDER BY 2, 3, 4, 5, 6;
SELECT 'comment', c.name, d.description FROM pg_description d JOIN relation c ON c.oid = d.objoid AND d.classoid = 'pg_class'::regclass
  ORDER BY 2;
SELECT 'server', 'comment', classoid::regclass, objoid, md5(description) FROM pg_shdescription ORDER BY 3, 4;

-- Other objects.
SELECT 'object', 'schema', nspname, nspowner::regrole FROM pg_namespace
  WHERE nspowner NOT IN (SELECT oid FROM mine) AND nspname !~ '^pg_' ORDER BY 3;
SELECT 'server', 'database', datname, datdba::regrole, datistemplate, datconnlimit, datacl FROM pg_database ORDER BY 3;
SELECT 'object', 'event trigger', evtname, evtenabled, evtfoid::regprocedure FROM pg_event_trigger ORDER BY 3;
SELECT 'object', 'publication', pubname, puballtables FROM pg_publication
  WHERE puballtables OR pubowner NOT IN (SELECT oid FROM mine) ORDER BY 3;
SELECT 'object', 'publication', c.name FROM pg_publication_rel p JOIN relation c ON c.oid = p.prrelid ORDER BY 3;
SELECT 'server', 'subscription', subname, subowner::regrole FROM pg_subscription ORDER BY 3;
SELECT 'server', 'slot', slot_name, slot_type FROM pg_replication_slots ORDER BY 3;
SELECT 'object', 'server', srvname, srvowner::regrole, srvoptions FROM pg_foreign_server ORDER BY 3;
SELECT 'object', 'mapping', umserver, umuser FROM pg_user_mapping WHERE umuser NOT IN (SELECT oid FROM mine) ORDER BY 3, 4;
SELECT 'object', 'large object', m.oid, m.lomowner::regrole, md5(lo_get(m.oid)) FROM pg_largeobject_metadata m
  WHERE m.lomowner NOT IN (SELECT oid FROM mine) ORDER BY 3;
SELECT 'object', 'operator', count(*) FROM pg_operator WHERE oprowner NOT IN (SELECT oid FROM mine)
  AND NOT EXISTS (SELECT FROM extension_member e WHERE e.classid = 'pg_operator'::regclass AND e.objid = pg_operator.oid);
SELECT 'server', 'backend', backend_start FROM pg_stat_activity WHERE backend_type = 'logical replication launcher';

-- Rows.
SELECT 'content', name, md5(query_to_xml('SELECT * FROM ONLY ' || name, true, false, '')::text) FROM kept WHERE relkind <> 'S' ORDER BY 2;
SELECT 'content', name, md5(query_to_xml('SELECT last_value, is_called FROM ' || name, true, false, '')::text)
  FROM kept WHERE relkind = 'S' ORDER BY 2;

SELECT 'end';
