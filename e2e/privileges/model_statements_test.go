//go:build e2e

package privileges

import (
	"slices"
	"strings"
)

// ownerAttempts are for each kind: only an owner comments on an object or drops it.
func (m *model) ownerAttempts(o *object) []trial {
	owns := m.may(o, "OWN")
	kind, on := strings.ToUpper(o.Kind), o.Ident
	switch o.Kind {
	case "partitioned table":
		kind = "TABLE"
	case "function", "procedure", "aggregate", "operator":
		on += o.Arguments
	case "operator class", "operator family":
		on += " USING " + o.Arguments
	case "cast":
		on = "(" + o.Ident + ")"
	case "policy", "trigger":
		on = o.Arguments + " ON " + o.Ident
	}
	tries := []trial{{sql: "COMMENT ON " + kind + " " + on + " IS 'model_new'", may: owns}}
	if slices.Contains([]string{"column", "database", "tablespace", "large object", "index", "sequence", "language"}, o.Kind) {
		return tries // an index, or a sequence, may belong to a table's column
	}
	if strings.HasPrefix(o.Kind, "text search ") && !owns && slices.Contains([]string{"text search template", "text search parser"},
		o.Kind) {
		return append(tries, trial{sql: "ALTER " + kind + " " + on + " RENAME TO model_new"})
	}
	if o.Kind == "policy" || o.Kind == "trigger" || o.Kind == "publication" || o.Kind == "event trigger" {
		return append(tries, trial{sql: "DROP " + kind + " " + on, may: owns})
	}
	return append(tries, trial{sql: "DROP " + kind + " " + on + " CASCADE", may: owns})
}

// otherAttempts use objects other than relations.
func (m *model) otherAttempts(o *object) []trial {
	switch o.Kind {
	case "sequence":
		name := literal(o.Ident)
		return []trial{
			{sql: "SELECT nextval(" + name + ")", may: m.may(o, "USAGE") || m.may(o, "UPDATE")},
			{sql: "SELECT setval(" + name + ", 1000)", may: m.may(o, "UPDATE")},
			{sql: "SELECT last_value FROM " + o.Ident, may: m.may(o, "SELECT")},
			{sql: "ALTER SEQUENCE " + o.Ident + " CACHE 2", may: m.may(o, "OWN")},
		}
	case "function", "procedure", "aggregate":
		return m.routineAttempts(o)
	case "type", "domain":
		if strings.HasSuffix(o.Name, " shell") || o.Schema != "shop" {
			return nil
		}
		return []trial{
			{sql: "CREATE TABLE shop.model_new (x " + o.Ident + ")", may: m.makes("shop") && m.may(o, "USAGE")},
			{sql: "CREATE TEMPORARY TABLE model_new (x " + o.Ident + ")", may: m.temporary() && m.may(o, "USAGE")},
			{sql: "ALTER " + strings.ToUpper(o.Kind) + " " + o.Ident + " RENAME TO model_new", may: m.may(o, "OWN")},
		}
	case "schema":
		return m.schemaAttempts(o)
	case "server":
		return []trial{
			{sql: "CREATE USER MAPPING FOR CURRENT_USER SERVER " + o.Ident, may: m.may(o, "USAGE")},
			{sql: "CREATE FOREIGN TABLE shop.model_new (x int) SERVER " + o.Ident, may: m.makes("shop") && m.may(o, "USAGE")},
		}
	case "foreign data wrapper":
		return []trial{{sql: "CREATE SERVER model_new FOREIGN DATA WRAPPER " + o.Ident, may: m.may(o, "USAGE")}}
	case "large object":
		return []trial{
			{sql: "SELECT lo_get(" + o.Ident + ")", may: m.may(o, "SELECT")},
			{sql: "SELECT lo_put(" + o.Ident + ", 0, 'x')", may: m.may(o, "UPDATE")},
			{sql: "SELECT lo_unlink(" + o.Ident + ")", may: m.may(o, "OWN")},
		}
	case "publication":
		return []trial{{sql: "ALTER PUBLICATION " + o.Ident + " SET (publish = 'insert')", may: m.may(o, "OWN")}}
	case "event trigger":
		return []trial{{sql: "ALTER EVENT TRIGGER " + o.Ident + " DISABLE"}}
	case "database":
		return []trial{{sql: "ALTER DATABASE " + o.Ident + " SET work_mem = '1MB'"},
			{sql: "GRANT CONNECT ON DATABASE " + o.Ident + " TO newcomer", warning: true}}
	}
	return nil
}

func (m *model) routineAttempts(o *object) []trial {
	may := m.may(o, "EXECUTE")
	var tries []trial
	switch {
	case strings.HasSuffix(o.Name, " trigger") || o.Name == "noop" || o.Member || o.Schema == "hidden" && o.Owner == "postgres":
	case strings.HasSuffix(o.Name, " window"):
		tries = append(tries, trial{sql: "SELECT " + o.Ident + "() OVER ()", may: may})
	case o.Kind == "procedure" && o.Arguments == "()":
		tries = append(tries, trial{sql: "CALL " + o.Ident + "()", may: may})
	case o.Kind == "function" && o.Arguments == "()":
		tries = append(tries, trial{sql: "SELECT " + o.Ident + "()", may: may})
	case o.Kind == "aggregate" && strings.HasSuffix(o.Name, " aggregate"):
		tries = append(tries, trial{sql: "SELECT " + o.Ident + "(1)", may: may})
	}
	on := strings.ToUpper(o.Kind) + " " + o.Ident + o.Arguments
	if o.Kind == "function" || o.Kind == "procedure" {
		tries = append(tries, trial{sql: "ALTER " + on + " SECURITY DEFINER", may: m.may(o, "OWN")})
	}
	if o.Kind != "aggregate" {
		tries = append(tries, trial{sql: "GRANT EXECUTE ON " + on + " TO newcomer", may: m.may(o, "OWN"), warning: true})
	}
	return tries
}

// temporary says whether the binding may make temporary tables.
func (m *model) temporary() bool { return names(levelTable(m.level, "database"), "TEMPORARY") }

func (m *model) schemaAttempts(o *object) []trial {
	creates := m.may(o, "CREATE")
	in := o.Ident + ".model_new"
	return []trial{
		{sql: "CREATE TABLE " + in + " (x int)", may: creates},
		{sql: "CREATE VIEW " + in + " AS SELECT 1", may: creates},
		{sql: "CREATE SEQUENCE " + in, may: creates},
		{sql: "CREATE FUNCTION " + in + "() RETURNS int LANGUAGE sql AS 'SELECT 1'", may: creates},
		{sql: "CREATE TYPE " + in + " AS ENUM ()", may: creates},
		{sql: "CREATE AGGREGATE " + in + "(int) (SFUNC = int4pl, STYPE = int)", may: creates},
		{sql: "ALTER SCHEMA " + o.Ident + " RENAME TO model_new", may: m.may(o, "OWN")},
		{sql: "GRANT USAGE ON SCHEMA " + o.Ident + " TO newcomer", may: m.may(o, "OWN"), warning: true},
	}
}

// generalAttempts concern the database, the server and other roles.
func (m *model) generalAttempts() []trial {
	creates := names(levelTable(m.level, "database"), "CREATE")
	tries := []trial{
		{sql: "CREATE SCHEMA model_new", may: creates},
		{sql: "CREATE TEMPORARY TABLE model_new (x int)", may: m.temporary()},
		{sql: "CREATE PUBLICATION model_new", may: creates},
		{sql: "CREATE EXTENSION pg_trgm SCHEMA shop", may: creates},
		{sql: "SELECT lo_from_bytea(0, 'x')", may: true},
		{sql: "CREATE FUNCTION shop.model_new() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'", may: m.makes("shop")},
		{sql: "SET work_mem = '2MB'", may: true},
		{sql: "DO 'BEGIN NULL; END'", may: true},
	}
	for _, sql := range []string{
		"CREATE EXTENSION pageinspect", "CREATE EXTENSION dblink SCHEMA shop",
		"CREATE FUNCTION shop.model_new() RETURNS int LANGUAGE internal AS 'int4pl'",
		"CREATE FUNCTION shop.model_new() RETURNS int LANGUAGE c AS 'x'", "CREATE ROLE model_new", "ALTER ROLE postgres PASSWORD NULL",
		"ALTER ROLE newcomer SUPERUSER",
		"SET ROLE postgres", "SET ROLE newcomer", "SET SESSION AUTHORIZATION postgres", "GRANT newcomer TO postgres", "DROP ROLE newcomer",
		"CREATE DATABASE model_new", "ALTER SYSTEM SET work_mem = '1MB'", "SET session_replication_role = replica",
		"SET log_statement = 'none'",
		"COPY (SELECT 1) TO '/tmp/model_new'", "COPY (SELECT 1) TO PROGRAM 'cat'", "SELECT pg_read_file('/etc/hostname')",
		"SELECT lo_import('/etc/hostname')",
		"SELECT pg_ls_dir('/')", "SELECT rolpassword FROM pg_authid", "SELECT passwd FROM pg_shadow", "UPDATE pg_class SET relowner = 1",
		"CHECKPOINT",
		"CREATE EVENT TRIGGER model_new ON ddl_command_end EXECUTE FUNCTION hidden.noop()", "CREATE PUBLICATION model_new FOR ALL TABLES",
		"CREATE FOREIGN DATA WRAPPER model_new", "SELECT pg_reload_conf()", "REASSIGN OWNED BY postgres TO CURRENT_USER",
		"ALTER DEFAULT PRIVILEGES FOR ROLE postgres GRANT SELECT ON TABLES TO PUBLIC",
		"CREATE SUBSCRIPTION model_new CONNECTION '' PUBLICATION p WITH (connect = false)",
		"SELECT pg_create_restore_point('x')", "SELECT * FROM pg_stat_get_wal_receiver(), pg_ls_waldir()",
		"CREATE TABLESPACE model_new LOCATION '/tmp'",
	} {
		tries = append(tries, trial{sql: sql, alone: strings.HasPrefix(sql, "CREATE DATABASE") || strings.HasPrefix(sql,
			"ALTER SYSTEM") || strings.HasPrefix(sql, "CREATE TABLESPACE")})
	}
	return tries
}
