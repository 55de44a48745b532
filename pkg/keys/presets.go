package keys

import (
	"fmt"
	"slices"
	"strings"
)

// Preset is a named set of keys.
type Preset struct {
	Name string
	Keys []Template
}

// Files reports whether applications read the keys as files, so that they are of no use as variables.
func (p Preset) Files() bool { return p.Keys[0].file }

// DefaultPreset is the preset of a binding that names none.
const DefaultPreset = "lesson"

// Presets returns all presets, in the order in which help lists them.
func Presets() []Preset {
	return []Preset{
		{DefaultPreset, lesson()},
		{"libpq", libpq()},
		{"url", databaseURL()},
		{"spring", spring()},
		{"django", databaseURL()},
		{"rails", databaseURL()},
		{"dotnet", dotnet()},
		{"node", node()},
		{"cnpg", cnpg()},
		{"servicebinding", serviceBinding()},
	}
}

// PresetNames returns the names of all presets.
func PresetNames() []string {
	var names []string
	for _, preset := range Presets() {
		names = append(names, preset.Name)
	}
	return names
}

// ParsePreset returns the preset of that name. The error lists the valid names.
func ParsePreset(name string) (Preset, error) {
	for _, preset := range Presets() {
		if preset.Name == name {
			return preset, nil
		}
	}
	return Preset{}, fmt.Errorf("invalid preset %q: use %s", name, strings.Join(PresetNames(), ", "))
}

// lesson is the default preset. Port and database are there only if they differ from the defaults.
func lesson() []Template {
	return []Template{
		Variable("POSTGRES_HOST", "{{.Host}}"),
		Variable("POSTGRES_USERNAME", "{{.Username}}"),
		Variable("POSTGRES_PASSWORD", "{{.Password}}"),
		unlessUsual("POSTGRES_PORT", "{{.Port}}", "5432"),
		unlessUsual("POSTGRES_DB", "{{.Database}}", usualDatabase),
	}
}

// libpq are the variables that libpq reads, and with it psql, psycopg, the pg gem and PHP. pgx and lib/pq read them too.
func libpq() []Template {
	return []Template{
		Variable("PGHOST", "{{.Host}}"),
		Variable("PGPORT", "{{.Port}}"),
		Variable("PGDATABASE", "{{.Database}}"),
		Variable("PGUSER", "{{.Username}}"),
		Variable("PGPASSWORD", "{{.Password}}"),
		optional("PGSSLMODE", "{{.SSLMode}}"),
		optional("PGSSLROOTCERT", "{{.CAPath}}"),
	}
}

// databaseURL is one variable with everything. Rails reads it without configuration and prefers it to
// config/database.yml. Django itself reads no variable: django-environ and dj-database-url, which most projects use,
// read this one.
func databaseURL() []Template { return []Template{Variable("DATABASE_URL", "{{.URI}}")} }

// spring are the properties of a Spring Boot data source. Its URL has no user and password, because Spring prints the URL in its log.
// An application with R2DBC reads spring.r2dbc.url, which has other names for the TLS settings, and needs templates of its own.
func spring() []Template {
	return []Template{
		Variable("SPRING_DATASOURCE_URL", "jdbc:postgresql://{{.Address}}/{{urlquery .Database}}{{.Parameters}}"),
		Variable("SPRING_DATASOURCE_USERNAME", "{{.Username}}"),
		Variable("SPRING_DATASOURCE_PASSWORD", "{{.Password}}"),
	}
}

// dotnet is the connection string that the templates of ASP.NET Core read as GetConnectionString("DefaultConnection"), for Npgsql.
// Before Npgsql 8, the mode require also needs "Trust Server Certificate=true".
func dotnet() []Template {
	return []Template{Variable("ConnectionStrings__DefaultConnection", "Host={{dotnet .Host}};Port={{.Port}};Database={{dotnet .Database}}"+
		";Username={{dotnet .Username}};Password={{dotnet .Password}}"+
		`{{if .SSLMode}};SSL Mode={{if eq .SSLMode "verify-ca"}}VerifyCA{{else if eq .SSLMode "verify-full"}}VerifyFull`+
		`{{else}}{{dotnet .SSLMode}}{{end}}{{end}}`+
		`{{if .CAPath}};Root Certificate={{dotnet .CAPath}}{{end}}`)}
}

// node are the variables of node-postgres, and the URL that Prisma, Drizzle and most applications read. node-postgres verifies the
// server's certificate in the modes prefer and require, unless it is asked to do as libpq; its name for require is no-verify.
func node() []Template {
	return []Template{
		Variable("DATABASE_URL", `{{.URI}}{{if eq .SSLMode "prefer" "require"}}&uselibpqcompat=true{{end}}`),
		Variable("PGHOST", "{{.Host}}"),
		Variable("PGPORT", "{{.Port}}"),
		Variable("PGDATABASE", "{{.Database}}"),
		Variable("PGUSER", "{{.Username}}"),
		Variable("PGPASSWORD", "{{.Password}}"),
		optional("PGSSLMODE", `{{if eq .SSLMode "require"}}no-verify{{else}}{{.SSLMode}}{{end}}`),
	}
}

// cnpg are the keys of the Secret CLUSTER-app of CloudNativePG, without fqdn-uri and fqdn-jdbc-uri: the host of a binding is the name
// that works in the Pod, which need not be complete.
func cnpg() []Template {
	return []Template{
		file("username", "{{.Username}}"),
		file("user", "{{.Username}}"),
		file("password", "{{.Password}}"),
		file("dbname", "{{.Database}}"),
		file("host", "{{.Host}}"),
		file("port", "{{.Port}}"),
		file("uri", "{{.URI}}"),
		file("jdbc-uri", "{{.JDBC}}"),
		file("pgpass", pgpassLine),
	}
}

// serviceBinding are the well-known entries of servicebinding.io, as files below $SERVICE_BINDING_ROOT/NAME.
func serviceBinding() []Template {
	return []Template{
		file("type", "postgresql"),
		file("provider", "kubectl-pgbind"),
		file("host", "{{.Host}}"),
		file("port", "{{.Port}}"),
		file("database", "{{.Database}}"),
		file("username", "{{.Username}}"),
		file("password", "{{.Password}}"),
		file("uri", "{{.URI}}"),
		file("jdbc-url", "{{.JDBC}}"), // of Spring Cloud Bindings; both addresses say whether the session is encrypted
	}
}

//nolint:gosec // a template, not a password
const pgpassLine = "{{pgpass .Host}}:{{.Port}}:{{pgpass .Database}}:{{pgpass .Username}}:{{pgpass .Password}}\n"

// Key is an optional key, as the flag --key names it.
type Key struct {
	Name     string
	Template Template
}

// OptionalKeys returns all optional keys, in the order in which help lists them.
func OptionalKeys() []Key {
	return []Key{
		{"port", Variable("POSTGRES_PORT", "{{.Port}}")},
		{"database", Variable("POSTGRES_DB", "{{.Database}}")},
		{"uri", Variable("POSTGRES_URI", "{{.URI}}")},
		{"jdbc", Variable("POSTGRES_JDBC_URL", "{{.JDBC}}")},
		{"pgpass", file(".pgpass", pgpassLine)},
	}
}

// KeyTemplate returns the template of the optional key of that name. The error lists the valid names.
func KeyTemplate(name string) (Template, error) {
	for _, key := range OptionalKeys() {
		if key.Name == name {
			return key.Template, nil
		}
	}
	return Template{}, fmt.Errorf("invalid key %q: use port, database, uri, jdbc, pgpass or servicebinding", name)
}

// Combine returns the keys of the presets, without duplicates, and the given ones, which replace those of the same name. Two presets
// that have different values for one name are an error.
func Combine(presets []Preset, env []Template) ([]Template, error) {
	var combined []Template
	from := map[string]string{}
	for _, preset := range presets {
		for _, t := range preset.Keys {
			i := slices.IndexFunc(combined, named(t.name))
			switch {
			case slices.ContainsFunc(env, named(t.name)):
			case i < 0:
				combined = append(combined, t)
				from[t.name] = preset.Name
			case combined[i].text != t.text:
				return nil, fmt.Errorf("presets %s and %s: both have %s, with different values: choose one, or set it with --env",
					from[t.name], preset.Name, t.name)
			}
		}
	}
	for i, t := range env {
		if j := slices.IndexFunc(env, named(t.name)); j < i {
			return nil, fmt.Errorf("variable %s: it is set twice: remove one of the templates", t.name)
		}
	}
	return append(combined, env...), nil
}

func named(name string) func(Template) bool { return func(t Template) bool { return t.name == name } }
