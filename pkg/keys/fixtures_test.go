package keys

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// theServer is the server of all fixtures: a Service db in the namespace shop.
var theServer = Server{Hosts: []string{"db", "db.shop", "db.shop.svc", "db.shop.svc.cluster.local", "10.96.0.20"}}

// readFixture reads a Pod of one container, its ConfigMaps and Secrets.
func readFixture(t *testing.T, name string) Container {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "names", name+".yaml")) //nolint:gosec // a file of this test
	require.NoError(t, err)
	c := Container{ConfigMaps: map[string]map[string]string{}, Secrets: map[string]map[string][]byte{}}
	documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return c
		}
		require.NoError(t, err)
		var object struct {
			APIVersion string
			Kind       string
			Metadata   struct{ Name string }
			Spec       corev1.PodSpec
			Data       map[string]string
			StringData map[string]string
		}
		require.NoError(t, yaml.UnmarshalStrict(document, &object))
		switch object.Kind {
		case "Pod":
			c.Env, c.EnvFrom = object.Spec.Containers[0].Env, object.Spec.Containers[0].EnvFrom
		case "ConfigMap":
			c.ConfigMaps[object.Metadata.Name] = object.Data
		case "Secret":
			secret := map[string][]byte{}
			for key, value := range object.StringData {
				secret[key] = []byte(value)
			}
			c.Secrets[object.Metadata.Name] = secret
		default:
			t.Fatalf("unknown kind %q in %s", object.Kind, name)
		}
	}
}

// namesTest is what Recognize has to find: a template for each variable, or no variable at all.
type namesTest struct {
	want     map[string]string
	database string
	problems []string // the variables of the problems, or their messages
}

// wantNames are the right names for each fixture. docs/names.md says which charts they follow.
var wantNames = map[string]namesTest{
	"miniflux": {want: map[string]string{
		"DATABASE_PASSWORD": "{{.Password}}",
		"DATABASE_URL":      uri("postgres", "{{.ShortAddress}}") + "?sslmode=disable",
	}},
	"gitea": {want: map[string]string{
		"GITEA__database__HOST": "{{.Address}}", "GITEA__database__NAME": "{{.Database}}",
		"GITEA__database__USER": "{{.Username}}", "GITEA__database__PASSWD": "{{.Password}}",
	}},
	"keycloak": {want: map[string]string{
		"KC_DB_URL_HOST": "{{.Host}}", "KC_DB_URL_PORT": "{{.Port}}", "KC_DB_URL_DATABASE": "{{.Database}}",
		"KC_DB_USERNAME": "{{.Username}}", "KC_DB_PASSWORD": "{{.Password}}",
	}},
	"grafana": {want: map[string]string{
		"GF_DATABASE_HOST": "{{.Address}}", "GF_DATABASE_NAME": "{{.Database}}",
		"GF_DATABASE_USER": "{{.Username}}", "GF_DATABASE_PASSWORD": "{{.Password}}",
	}},
	"n8n": {want: five("DB_POSTGRESDB_", "HOST", "PORT", "DATABASE", "USER", "PASSWORD")},
	"nextcloud": {want: map[string]string{
		"POSTGRES_HOST":     "{{.Host}}",
		"POSTGRES_DB":       "{{.Database}}",
		"POSTGRES_USER":     "{{.Username}}",
		"POSTGRES_PASSWORD": "{{.Password}}",
		"DATABASE_URL":      uri("postgres", "{{.ShortAddress}}"),
	}},
	"outline": {want: with(five("PG", "HOST", "PORT", "DATABASE", "USER", "PASSWORD"), "DATABASE_URL", uri("postgres", "{{.Address}}"))},
	"mattermost": {
		want:     map[string]string{"MM_SQLSETTINGS_DATASOURCE": uri("postgres", "{{.Address}}") + "?sslmode=disable&connect_timeout=10"},
		problems: []string{"POSTGRES_PASSWORD_GITLAB"},
	},
	"vaultwarden": {want: map[string]string{
		"DATABASE_URL": "postgresql://{{.ShortAddress}}", "PGPORT": "{{.Port}}", "PGDATABASE": "{{.Database}}",
		"PGUSER": "{{.Username}}", "PGPASSWORD": "{{.Password}}",
	}},
	"authentik": {want: five("AUTHENTIK_POSTGRESQL__", "HOST", "PORT", "NAME", "USER", "PASSWORD")},
	"zitadel": {want: map[string]string{
		"ZITADEL_DATABASE_POSTGRES_DSN": "host={{conninfo .Host}} port={{.Port}} user={{conninfo .Username}} password={{conninfo .Password}}" +
			" dbname={{conninfo .Database}} sslmode=disable",
	}},
	"hasura": {want: map[string]string{
		"HASURA_GRAPHQL_METADATA_DATABASE_URL": uri(
			"postgres",
			"{{.Address}}",
		),
		"HASURA_GRAPHQL_DATABASE_URL": uri("postgres", "{{.Address}}"),
	}},
	"postgrest": {want: map[string]string{"PGRST_DB_URI": uri("postgres", "{{.Address}}")}},
	"metabase":  {want: five("MB_DB_", "HOST", "PORT", "DBNAME", "USER", "PASS")},
	"superset":  {want: five("DB_", "HOST", "PORT", "NAME", "USER", "PASS")},
	"airflow": {want: map[string]string{
		"AIRFLOW__CORE__SQL_ALCHEMY_CONN":     uri("postgresql", "{{.Address}}") + "?sslmode=disable",
		"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": uri("postgresql", "{{.Address}}") + "?sslmode=disable",
		"AIRFLOW_CONN_AIRFLOW_DB":             uri("postgresql", "{{.Address}}") + "?sslmode=disable",
		"AIRFLOW__CELERY__RESULT_BACKEND":     uri("db+postgresql", "{{.Address}}") + "?sslmode=disable",
	}},
	"harbor": {want: five("POSTGRESQL_", "HOST", "PORT", "DATABASE", "USERNAME", "PASSWORD")},
	"sonarqube": {want: map[string]string{
		"SONAR_JDBC_URL":      "jdbc:postgresql://{{.Address}}/{{urlquery .Database}}?socketTimeout=1500",
		"SONAR_JDBC_USERNAME": "{{.Username}}", "SONAR_JDBC_PASSWORD": "{{.Password}}",
	}},
	"kong":                {want: five("KONG_PG_", "HOST", "PORT", "DATABASE", "USER", "PASSWORD")},
	"temporal-admintools": {want: five("SQL_", "HOST", "PORT", "DATABASE", "USER", "PASSWORD")},
	"temporal-server": { // the host is in a file
		problems: []string{"no variable names a host of this server: set the names with --env or --preset"},
	},
	"openfga": {want: map[string]string{
		"OPENFGA_DATASTORE_URI":      "postgres://{{.Address}}/{{urlquery .Database}}?sslmode=disable",
		"OPENFGA_DATASTORE_USERNAME": "{{.Username}}", "OPENFGA_DATASTORE_PASSWORD": "{{.Password}}",
	}},
	"plausible": {
		want:     map[string]string{"DATABASE_URL": uri("postgres", "{{.Address}}")},
		problems: []string{"SMTP_USER_NAME", "SMTP_USER_PWD"}, // they equal the password
	},
	"umami":     {want: map[string]string{"DATABASE_URL": uri("postgresql", "{{.Address}}") + "?schema=stats"}},
	"directus":  {want: five("DB_", "HOST", "PORT", "DATABASE", "USER", "PASSWORD")},
	"wikijs":    {want: five("DB_", "HOST", "PORT", "NAME", "USER", "PASS")},
	"paperless": {want: five("PAPERLESS_DB", "HOST", "PORT", "NAME", "USER", "PASS")},
	"immich": {want: map[string]string{
		"DB_HOSTNAME": "{{.Host}}", "DB_USERNAME": "{{.Username}}", "DB_DATABASE_NAME": "{{.Database}}", "DB_PASSWORD": "{{.Password}}",
	}},
	"mlflow":   {want: five("PG", "HOST", "PORT", "DATABASE", "USER", "PASSWORD")},
	"mastodon": {want: five("DB_", "HOST", "PORT", "NAME", "USER", "PASS")},

	// The fixtures below were written after the recogniser.
	"langfuse": {want: with(
		five("DATABASE_", "HOST", "PORT", "NAME", "USERNAME", "PASSWORD"), "DIRECT_URL", uri("postgresql", "{{.ShortAddress}}"),
	)},
	"chatwoot": {want: five("POSTGRES_", "HOST", "PORT", "DATABASE", "USERNAME", "PASSWORD")},
	"backstage": {want: map[string]string{
		"POSTGRES_HOST": "{{.Host}}", "POSTGRES_PORT": "{{.Port}}", "POSTGRES_USER": "{{.Username}}", "POSTGRES_PASSWORD": "{{.Password}}",
	}},
	"windmill": { // the login is in a file
		problems: []string{"no variable names a host of this server: set the names with --env or --preset"},
	},
	"shlink": {want: five("DB_", "HOST", "PORT", "NAME", "USER", "PASSWORD")},
	"tandoor": {want: map[string]string{
		"POSTGRES_HOST":     "{{.Host}}",
		"POSTGRES_DB":       "{{.Database}}",
		"POSTGRES_USER":     "{{.Username}}",
		"POSTGRES_PASSWORD": "{{.Password}}",
	}},
	"healthchecks": {want: map[string]string{
		"DB_HOST": "{{.Host}}", "DB_NAME": "{{.Database}}", "DB_USER": "{{.Username}}", "DB_PASSWORD": "{{.Password}}",
	}},
	"penpot": {want: map[string]string{
		"PENPOT_DATABASE_URI":      "postgresql://{{.Address}}/{{urlquery .Database}}",
		"PENPOT_DATABASE_USERNAME": "{{.Username}}", "PENPOT_DATABASE_PASSWORD": "{{.Password}}",
	}},
	"concourse": {want: five("CONCOURSE_POSTGRES_", "HOST", "PORT", "DATABASE", "USER", "PASSWORD")},
}

func uri(scheme, address string) string {
	return scheme + "://{{urlquery .Username}}:{{urlquery .Password}}@" + address + "/{{urlquery .Database}}"
}

// five returns the names of host, port, database, user and password, with a prefix.
func five(prefix string, names ...string) map[string]string {
	want := map[string]string{}
	for i, text := range []string{"{{.Host}}", "{{.Port}}", "{{.Database}}", "{{.Username}}", "{{.Password}}"} {
		want[prefix+names[i]] = text
	}
	return want
}

func with(names map[string]string, name, text string) map[string]string {
	names[name] = text
	return names
}

func TestRecognize_FindsTheNamesOfPublishedApplications(t *testing.T) {
	files, err := filepath.Glob("testdata/names/*.yaml")
	require.NoError(t, err)
	assert.Len(t, files, len(wantNames), "each fixture has a test")
	for application, test := range wantNames {
		t.Run(application, func(t *testing.T) {
			server := theServer
			server.Database = test.database
			c := readFixture(t, application)
			names, problems := Recognize(c, server)
			found := map[string]string{}
			for _, name := range names.Variables {
				found[name.Template.Name()] = name.Template.Text()
			}
			if test.want == nil {
				test.want = map[string]string{}
			}
			assert.Equal(t, test.want, found)
			assert.Equal(t, test.problems, subjects(problems))
			assertRendersAgain(t, c, names)
		})
	}
}

// subjects returns the variables of problems, or the messages of those without variables.
func subjects(problems []Problem) []string {
	var subjects []string
	for _, problem := range problems {
		subjects = append(subjects, problem.Variables...)
		if len(problem.Variables) == 0 {
			subjects = append(subjects, problem.Message)
		}
	}
	return subjects
}

// assertRendersAgain renders the names with the former login. In the fixtures all escapes are the ones that templates write.
func assertRendersAgain(t *testing.T, c Container, names Names) {
	t.Helper()
	settings, _ := c.settings()
	former := map[string]string{}
	for _, s := range settings {
		former[s.name] = s.value
	}
	for _, name := range names.Variables {
		value, err := name.Template.Render(names.Former)
		require.NoError(t, err)
		assert.Equal(t, former[name.Template.Name()], value)
	}
}
