package check

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
)

// Defaults of flags, which a command does not repeat.
const (
	defaultPostgres = "pod/postgresql-sfs-0"
	defaultDatabase = "postgres"
	defaultAccess   = "all"
)

// command returns a command line of pgbind in the binding's namespace.
func command(b *inventory.Binding, words ...string) string {
	return shell(append(append([]string{"kubectl", "pgbind"}, words...), "-n", b.Namespace)...)
}

// rebind returns the command that binds again with the same choices. It repairs the role, the Secret and the reference.
func rebind(b *inventory.Binding) string {
	words := append([]string{b.Marks.Workload}, databaseFlags(b)...)
	if b.Marks.Access != "" && b.Marks.Access != defaultAccess {
		words = append(words, "--access", b.Marks.Access)
	}
	if schemas := b.AccessRole().Schemas; !slices.Equal(schemas, []string{"public"}) {
		words = append(words, "--schema", strings.Join(schemas, ","))
	}
	if b.Marks.Isolated {
		words = append(words, "--isolated")
	}
	return command(b, append(words, choiceFlags(b.Marks.Choices)...)...)
}

// choiceFlags returns the flags that repeat the binding's choices; without them, a bind would apply its defaults.
func choiceFlags(c v1alpha1.Choices) []string {
	port := ""
	if c.Port != 0 {
		port = strconv.Itoa(int(c.Port))
	}
	var words []string
	for _, flag := range []struct{ name, value string }{
		{"--postgres-container", c.PostgresContainer}, {"--admin-user", c.AdminUser}, {"--admin-password-from", c.AdminPasswordFrom},
		{"--host", c.Host}, {"--port", port}, {"--cluster-domain", c.ClusterDomain},
		{"--key", strings.Join(c.Keys, ",")}, {"--sslmode", c.SSLMode}, {"--ca-from", c.CAFrom},
		{"--inject", c.Inject}, {"--container", strings.Join(c.Containers, ",")}, {"--env-prefix", c.EnvPrefix}, {"--mount-path", c.MountPath},
	} {
		if flag.value != "" {
			words = append(words, flag.name, flag.value)
		}
	}
	if c.RevokePublic {
		words = append(words, "--revoke-public")
	}
	return words
}

// databaseFlags returns the flags that name the binding's database, unless it is the default one.
func databaseFlags(b *inventory.Binding) []string {
	var words []string
	if b.Marks.Postgres != "" && b.Marks.Postgres != defaultPostgres {
		words = append(words, "--postgres", b.Marks.Postgres)
	}
	if b.Marks.PostgresNamespace != "" && b.Marks.PostgresNamespace != b.Namespace {
		words = append(words, "--postgres-namespace", b.Marks.PostgresNamespace)
	}
	if b.Marks.Database != defaultDatabase {
		words = append(words, "--dbname", b.Marks.Database)
	}
	return words
}

// recreate deletes the Secret and lets the next bind create it.
func recreate(b *inventory.Binding) string {
	return shell("kubectl", "delete", "secret", b.SecretName, "-n", b.Namespace) + " && " + rebind(b)
}

func restart(b *inventory.Binding) string {
	return shell("kubectl", "rollout", "restart", b.Marks.Workload, "-n", b.Namespace)
}

// look returns the command that runs SQL as the administrator.
func look(b *inventory.Binding, sql string) string {
	words := append(append([]string{"psql", "--admin"}, databaseFlags(b)...), "-n", b.Namespace, "--", "-c", sql)
	return shell(append([]string{"kubectl", "pgbind"}, words...)...)
}

func canI(verb, object string, b *inventory.Binding) string {
	return shell("kubectl", "auth", "can-i", verb, object, "-n", b.Namespace)
}

// shell quotes and joins words for a shell.
func shell(words ...string) string {
	plain := regexp.MustCompile(`^[A-Za-z0-9_./:=,@-]+$`)
	quoted := make([]string, len(words))
	for i, word := range words {
		if quoted[i] = word; !plain.MatchString(word) {
			quoted[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}

// identifier quotes a name for SQL.
func identifier(name string) string {
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
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
