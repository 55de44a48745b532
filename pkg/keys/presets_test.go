//nolint:gosec // the passwords are examples
package keys

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// values renders a preset.
func values(t *testing.T, preset string, v Values) map[string]string {
	t.Helper()
	p, err := ParsePreset(preset)
	require.NoError(t, err)
	rendered, err := RenderAll(p.Keys, v)
	require.NoError(t, err)
	return rendered
}

func TestPresets_HaveTheirKeys(t *testing.T) {
	plain := Values{Host: "h", Username: "u", Password: "p"}
	full := Values{Host: "h", Port: 5433, Database: "shop", Username: "u", Password: "p;q", SSLMode: "verify-ca", CAPath: "/ca.crt"}
	const uri, tls = "postgresql://u:p%3Bq@h:5433/shop", "?sslmode=verify-ca&sslrootcert=%2Fca.crt"
	for preset, want := range map[string][2]map[string]string{
		"lesson": {
			{"POSTGRES_HOST": "h", "POSTGRES_USERNAME": "u", "POSTGRES_PASSWORD": "p"},
			{"POSTGRES_HOST": "h", "POSTGRES_USERNAME": "u", "POSTGRES_PASSWORD": "p;q", "POSTGRES_PORT": "5433", "POSTGRES_DB": "shop"},
		},
		"libpq": {
			{"PGHOST": "h", "PGPORT": "5432", "PGDATABASE": "postgres", "PGUSER": "u", "PGPASSWORD": "p"},
			{
				"PGHOST": "h", "PGPORT": "5433", "PGDATABASE": "shop", "PGUSER": "u", "PGPASSWORD": "p;q",
				"PGSSLMODE": "verify-ca", "PGSSLROOTCERT": "/ca.crt",
			},
		},
		"url":    {{"DATABASE_URL": "postgresql://u:p@h:5432/postgres"}, {"DATABASE_URL": uri + tls}},
		"django": {{"DATABASE_URL": "postgresql://u:p@h:5432/postgres"}, {"DATABASE_URL": uri + tls}},
		"rails":  {{"DATABASE_URL": "postgresql://u:p@h:5432/postgres"}, {"DATABASE_URL": uri + tls}},
		"spring": {
			{
				"SPRING_DATASOURCE_URL":      "jdbc:postgresql://h:5432/postgres",
				"SPRING_DATASOURCE_USERNAME": "u", "SPRING_DATASOURCE_PASSWORD": "p",
			},
			{
				"SPRING_DATASOURCE_URL":      "jdbc:postgresql://h:5433/shop" + tls,
				"SPRING_DATASOURCE_USERNAME": "u", "SPRING_DATASOURCE_PASSWORD": "p;q",
			},
		},
		"dotnet": {
			{"ConnectionStrings__DefaultConnection": "Host=h;Port=5432;Database=postgres;Username=u;Password=p"},
			{
				"ConnectionStrings__DefaultConnection": `Host=h;Port=5433;Database=shop;Username=u;Password="p;q"` +
					`;SSL Mode=VerifyCA;Root Certificate=/ca.crt`,
			},
		},
		"node": {
			{
				"DATABASE_URL": "postgresql://u:p@h:5432/postgres",
				"PGHOST":       "h", "PGPORT": "5432", "PGDATABASE": "postgres", "PGUSER": "u", "PGPASSWORD": "p",
			},
			{
				"DATABASE_URL": uri + tls,
				"PGHOST":       "h", "PGPORT": "5433", "PGDATABASE": "shop", "PGUSER": "u", "PGPASSWORD": "p;q", "PGSSLMODE": "verify-ca",
			},
		},
		"cnpg": {
			{
				"username": "u", "user": "u", "password": "p", "dbname": "postgres", "host": "h", "port": "5432",
				"uri": "postgresql://u:p@h:5432/postgres", "jdbc-uri": "jdbc:postgresql://h:5432/postgres?password=p&user=u",
				"pgpass": "h:5432:postgres:u:p\n",
			},
			{
				"username": "u", "user": "u", "password": "p;q", "dbname": "shop", "host": "h", "port": "5433",
				"uri": uri + tls, "jdbc-uri": "jdbc:postgresql://h:5433/shop?password=p%3Bq&sslmode=verify-ca&sslrootcert=%2Fca.crt&user=u",
				"pgpass": "h:5433:shop:u:p;q\n",
			},
		},
		"servicebinding": {
			{
				"type": "postgresql", "provider": "kubectl-pgbind", "host": "h", "port": "5432", "database": "postgres",
				"username": "u", "password": "p", "uri": "postgresql://u:p@h:5432/postgres",
				"jdbc-url": "jdbc:postgresql://h:5432/postgres?password=p&user=u",
			},
			{
				"type": "postgresql", "provider": "kubectl-pgbind", "host": "h", "port": "5433", "database": "shop",
				"username": "u", "password": "p;q", "uri": uri + tls,
				"jdbc-url": "jdbc:postgresql://h:5433/shop?password=p%3Bq&sslmode=verify-ca&sslrootcert=%2Fca.crt&user=u",
			},
		},
	} {
		assert.Equal(t, want[0], values(t, preset, plain), preset)
		assert.Equal(t, want[1], values(t, preset, full), preset)
	}
	assert.Contains(t, values(t, "node", Values{Host: "h", Username: "u", Password: "p", SSLMode: "require"})["DATABASE_URL"],
		"?sslmode=require&uselibpqcompat=true")
	assert.Equal(t, "no-verify", values(t, "node", Values{Host: "h", Username: "u", Password: "p", SSLMode: "require"})["PGSSLMODE"])
}

// Kubernetes sets POSTGRES_PORT=tcp://… in Pods next to a Service called postgres.
func TestLessonPreset_HasThePortOfAServiceCalledPostgres(t *testing.T) {
	for host, want := range map[string]string{
		"postgres": "5432", "postgres.shop.svc.cluster.local": "5432", "postgres-rw.shop": "", "my-postgres": "", "10.0.0.1": "",
	} {
		values, err := RenderAll(lesson(), Values{Host: host, Username: "u", Password: "p"}.complete())
		require.NoError(t, err)
		assert.Equal(t, want, values["POSTGRES_PORT"], host)
		assert.NotContains(t, values, "POSTGRES_DB", host)
	}
}

func TestPresets_AreValid(t *testing.T) {
	for _, preset := range Presets() {
		for _, key := range preset.Keys {
			require.NoError(t, key.check(), "%s of %s", key.Name(), preset.Name)
			if !key.File() {
				require.NoError(t, checkName(key.Name()))
			}
		}
		if preset.Name == DefaultPreset {
			continue
		}
		v := Values{Host: "h", Port: 1234, Database: "db1", Username: "u", Password: "p"}
		rendered := strings.Join(sortedValues(values(t, preset.Name, v)), " ")
		assert.Contains(t, rendered, "1234", preset.Name)
		assert.Contains(t, rendered, "db1", preset.Name)
	}
	_, err := ParsePreset("laravel")
	require.ErrorContains(t, err, `invalid preset "laravel": use lesson, libpq, url`)
}

func sortedValues(data map[string]string) []string {
	var all []string
	for _, key := range sortedKeys(data) {
		all = append(all, data[key])
	}
	return all
}

func TestKeyTemplate(t *testing.T) {
	var templates []Template
	for _, key := range []string{"port", "database", "uri", "jdbc", "pgpass"} {
		template, err := KeyTemplate(key)
		require.NoError(t, err)
		templates = append(templates, template)
	}
	_, err := KeyTemplate("url")
	require.ErrorContains(t, err, "pgpass")
	lesson, err := ParsePreset("lesson")
	require.NoError(t, err)
	all, err := Combine([]Preset{lesson}, templates)
	require.NoError(t, err)
	want := map[string]string{
		"POSTGRES_HOST": "h", "POSTGRES_USERNAME": "u", "POSTGRES_PASSWORD": "p", "POSTGRES_PORT": "5432", "POSTGRES_DB": "postgres",
		"POSTGRES_URI":      "postgresql://u:p@h:5432/postgres",
		"POSTGRES_JDBC_URL": "jdbc:postgresql://h:5432/postgres?password=p&user=u", ".pgpass": "h:5432:postgres:u:p\n",
	}
	rendered, err := RenderAll(all, Values{Host: "h", Username: "u", Password: "p"})
	require.NoError(t, err)
	assert.Equal(t, want, rendered)
}

func TestCombine(t *testing.T) {
	preset := func(name string) Preset {
		p, err := ParsePreset(name)
		require.NoError(t, err)
		return p
	}
	combined, err := Combine([]Preset{preset("url"), preset("rails"), preset("libpq")}, nil)
	require.NoError(t, err)
	assert.Len(t, combined, 1+len(libpq()))

	_, err = Combine([]Preset{preset("url"), preset("node")}, nil)
	require.ErrorContains(t, err, "presets url and node: both have DATABASE_URL, with different values")

	own := Variable("DATABASE_URL", "{{.JDBC}}")
	combined, err = Combine([]Preset{preset("url"), preset("node")}, []Template{own})
	require.NoError(t, err)
	assert.Contains(t, combined, own)
	assert.Len(t, combined, len(node()))

	_, err = Combine(nil, []Template{own, own})
	require.ErrorContains(t, err, "variable DATABASE_URL: it is set twice")
}
