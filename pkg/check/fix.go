package check

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// command returns a command line of pgbind in the binding's namespace.
func command(b *inventory.Binding, words ...string) string {
	return report.Command(append(append([]string{"kubectl", "pgbind"}, words...), "-n", b.Namespace)...)
}

// rebind returns the command that binds again with the same spec. It repairs the role, the Secret and the reference.
func rebind(b *inventory.Binding) string {
	return command(b, append([]string{b.Marks.Workload}, specFlags(b.Marks.BindingSpec, b.Namespace)...)...)
}

// createDatabase returns the command that creates the database and binds again.
func (f *facts) createDatabase() string {
	wanted := *f.binding
	wanted.Marks.CreateDatabase = true
	return rebind(&wanted)
}

// createSchema returns the command that creates the schema for the application, or for the administrator if the application must not own it.
func (f *facts) createSchema(name string) string {
	if f.binding.AccessRole().Level != postgres.All {
		return look(f.binding, "CREATE SCHEMA "+postgres.Identifier(name)) + " && " + rebind(f.binding)
	}
	wanted := *f.binding
	wanted.Marks.CreateSchema = name
	return rebind(&wanted)
}

// serverFlags returns the flags that name the server of a spec of a workload in namespace, unless it is the default one.
func serverFlags(s v1alpha1.BindingSpec, namespace string) []string {
	var words []string
	s, defaults := s.WithDefaults(namespace), v1alpha1.BindingSpec{}.WithDefaults(namespace)
	if s.Postgres != defaults.Postgres {
		words = append(words, "--postgres", s.Postgres)
	}
	if s.PostgresNamespace != defaults.PostgresNamespace {
		words = append(words, "--postgres-namespace", s.PostgresNamespace)
	}
	return words
}

// databaseFlags returns the flags that name the binding's database, unless it is the default one.
func databaseFlags(b *inventory.Binding) []string {
	m := b.Marks
	return specFlags(v1alpha1.BindingSpec{Postgres: m.Postgres, PostgresNamespace: m.PostgresNamespace, DBName: m.DBName}, b.Namespace)
}

// specFlags returns the flags that request a spec of a workload in namespace, except for what a bind finds again: the name of the Secret,
// the user name, the password and the expiry. It omits defaults.
func specFlags(s v1alpha1.BindingSpec, namespace string) []string {
	s, defaults := s.WithDefaults(namespace), v1alpha1.BindingSpec{}.WithDefaults(namespace)
	if s.Postgres != defaults.Postgres {
		defaults.DBName = "" // it is that of the lesson's server alone
	}
	port := ""
	if s.Port != 0 {
		port = strconv.Itoa(int(s.Port))
	}
	words := serverFlags(s, namespace)
	for _, flag := range []struct{ name, value, otherwise string }{
		{"--dbname", s.DBName, defaults.DBName},
		{"--database-template", unless(s.DatabaseTemplate, v1alpha1.DefaultDatabaseTemplate), ""}, {"--database-locale", s.DatabaseLocale, ""},
		{"--access", s.Access, defaults.Access}, {"--schema", strings.Join(s.Schemas, ","), strings.Join(defaults.Schemas, ",")},
		{"--create-schema", s.CreateSchema, ""}, {"--extension", strings.Join(s.Extensions, ","), ""},
		{"--extension-schema", unless(s.ExtensionSchema, v1alpha1.DefaultExtensionSchema), ""},
		{"--postgres-container", s.PostgresContainer, ""},
		{"--admin-user", s.AdminUser, defaults.AdminUser}, {"--admin-password-from", s.AdminPasswordFrom, ""},
		{"--host", s.Host, ""}, {"--port", port, ""}, {"--cluster-domain", s.ClusterDomain, ""},
		{"--preset", strings.Join(s.Presets, ","), ""}, {"--key", strings.Join(s.Keys, ","), ""}, {"--sslmode", s.SSLMode, ""}, {"--ca-from", s.CAFrom, ""},
		{"--inject", s.Inject, defaults.Inject}, {"--container", strings.Join(s.Containers, ","), ""},
		{"--env-prefix", s.EnvPrefix, ""}, {"--mount-path", s.MountPath, ""}, {"--template-path", s.TemplatePath, ""},
	} {
		if flag.value != flag.otherwise {
			words = append(words, flag.name, flag.value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Env)) {
		words = append(words, "--env", name+"="+s.Env[name])
	}
	if s.ConnectionLimit != nil {
		words = append(words, "--connection-limit", strconv.Itoa(int(*s.ConnectionLimit)))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Settings)) {
		words = append(words, "--set", name+"="+s.Settings[name])
	}
	if s.CreateDatabase {
		words = append(words, "--create-database")
	}
	if s.NamesFromWorkload {
		words = append(words, "--names-from-workload")
	}
	if s.Isolated {
		words = append(words, "--isolated")
	}
	return words
}

// unless returns a value, or nothing if it is the default.
func unless(value, otherwise string) string {
	if value == otherwise {
		return ""
	}
	return value
}

// recreate deletes the Secret and lets the next bind create it.
func recreate(b *inventory.Binding) string {
	return report.Command("kubectl", "delete", "secret", b.SecretName, "-n", b.Namespace) + " && " + rebind(b)
}

func restart(b *inventory.Binding) string {
	return report.Command("kubectl", "rollout", "restart", b.Marks.Workload, "-n", b.Namespace)
}

// look returns the command that runs SQL as the administrator.
func look(b *inventory.Binding, sql string) string {
	words := append(append([]string{"psql", "--admin"}, databaseFlags(b)...), "-n", b.Namespace, "--", "-c", sql)
	return report.Command(append([]string{"kubectl", "pgbind"}, words...)...)
}

// unset returns the command that removes what hides a variable. A ConfigMap or another Secret cannot be removed without knowing its use.
func unset(b *inventory.Binding, h workload.Hidden) string {
	if h.By != "env" {
		return report.Command("kubectl", "edit", b.Marks.Workload, "-n", b.Namespace)
	}
	return report.Command("kubectl", "set", "env", b.Marks.Workload, "-c", h.Container, "-n", b.Namespace, h.Variable+"-")
}

func canI(verb, object string, b *inventory.Binding) string {
	return report.Command("kubectl", "auth", "can-i", verb, object, "-n", b.Namespace)
}

func when(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.RFC3339)
}

func because(err error) string {
	if err == nil {
		return ""
	}
	return ": " + strings.Join(strings.Fields(err.Error()), " ")
}
