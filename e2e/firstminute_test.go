//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// TestServers_ChoiceOnATerminal answers the question for the server, and then the one for the database.
func TestServers_ChoiceOnATerminal(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	f.serverPods("shop", "pg-a", "pg-b")
	assert.Empty(t, f.sqlIn("pg-b", "CREATE DATABASE orders"))
	f.idle("web", "other")

	session := f.terminal(f.Pgbind("deployment/web"), 40, 100)
	session.expect("2  service/pg-b")
	session.expect("Choose one (1-2): ")
	session.send("2\r")
	session.expect("1  orders")
	session.expect("Choose one (1-2): ")
	session.send("1\r")
	session.expect("deployment.apps/web bound")
	assert.Zero(t, session.end())
	f.isBoundTo("web", "service/pg-b", "orders")

	session = f.terminal(f.Pgbind("deployment/other"), 40, 100)
	session.expect("Choose one (1-2): ")
	session.send("7\r")
	session.expect(`"7" is not a number from 1 to 2`)
	assert.NotZero(t, session.end())
	assert.Len(t, f.boundSecrets(), 1)
}

// TestServers_ClusterOfCloudNativePG has the labels that the operator gives to the Pods of a cluster, and its Services.
func TestServers_ClusterOfCloudNativePG(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	f.create(passwordSecret())
	labels := map[string]string{"cnpg.io/cluster": "shop", "cnpg.io/instanceRole": "primary", "cnpg.io/podRole": "instance"}
	f.startPostgres(
		postgresPod("shop-1", "postgres:17", map[string]string{"POSTGRES_DB": "app"}, func(pod *corev1.Pod) { pod.Labels = labels }),
	)
	f.create(&corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "shop-rw"},
		Spec:       corev1.ServiceSpec{Selector: labels, Ports: []corev1.ServicePort{{Port: 5432}}},
	})
	f.idle("web")
	f.bind("deployment/web", "--postgres=cluster/shop")
	f.isBoundTo("web", "cluster/shop", "app")
	assert.Equal(t, "shop-rw."+f.Name+".svc.cluster.local", f.login(secretOf("web")).Host)
	assert.Zero(t, f.run(f.Pgbind("check")).Code)
	f.bind("rotate", "deployment/web", "--grace=0s")
	f.bind("unbind", "deployment/web", "--grace=0s")

	refused := f.run(f.Pgbind("deployment/web", "--postgres=cluster/shops"))
	assert.Equal(t, 1, refused.Code)
	assert.Contains(t, refused.Stderr, "no Pod belongs to a cluster of that name: this looks like a database: --postgres=")
}

// TestCreateDatabase_LocaleAndTemplate compares what the flags ask for with pg_database.
func TestCreateDatabase_LocaleAndTemplate(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.idle("web", "copy", "late")
	f.admin("CREATE DATABASE pattern; \\connect pattern\nCREATE TABLE pattern_table (id int)")
	f.bind("deployment/web", "--dbname=bytes", "--create-database", "--database-locale=C")
	f.bind("deployment/copy", "--dbname=copied", "--create-database", "--database-template=pattern")
	assert.Equal(
		t,
		"UTF8|C|C",
		f.admin("SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = 'bytes'"),
	)
	assert.Equal(t, "1", f.admin("\\connect copied\nSELECT count(*) FROM pg_tables WHERE tablename = 'pattern_table'"))
	assert.Equal(t, "0", f.admin("\\connect bytes\nSELECT count(*) FROM pg_tables WHERE tablename = 'pattern_table'"))

	refused := f.run(f.Pgbind("deployment/late", "--dbname=other", "--create-database", "--database-locale=xx_XX.nothing"))
	assert.Equal(t, 1, refused.Code)
	assert.Contains(t, refused.Stderr, "xx_XX.nothing")
	assert.Equal(t, "0", f.databases("other"))
	assert.Equal(t, "0", f.databases(`pgbind\_new\_%`))
}

// TestSecretNames binds one workload to several databases of a server outside the lesson.
func TestSecretNames(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	f.serverPods("shop", "pg")
	for _, name := range []string{"orders", "Much Too Odd"} {
		assert.Empty(t, f.sqlIn("pg", `CREATE DATABASE "`+name+`"`))
	}
	f.idle("web")
	f.bind("deployment/web", "--dbname=shop")
	f.bind("deployment/web", "--dbname=orders", "--env-prefix=ORDERS_")
	assert.ElementsMatch(t, []string{"secret/web-pgbind", "secret/web-pgbind-orders"}, f.boundSecrets())
	f.bind("deployment/web", "--dbname=Much Too Odd", "--env-prefix=ODD_")
	assert.Len(t, f.boundSecrets(), 3)

	f.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "taken-pgbind"}})
	f.idle("taken")
	refused := f.run(f.Pgbind("deployment/taken", "--dbname=shop"))
	assert.Equal(t, 1, refused.Code)
	assert.Contains(t, refused.Stderr, "secret/taken-pgbind")
	assert.Contains(t, refused.Stderr, "--secret")
	assert.Equal(t, "3", f.sqlIn("pg", `SELECT count(*) FROM pg_roles WHERE rolname LIKE 'pgb\_%'`))
}

// TestHelp_OfTheRoot counts what a person sees first.
func TestHelp_OfTheRoot(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	help := f.bind("--help").Stdout
	assert.LessOrEqual(t, strings.Count(help, "\n"), 50, help)
	_, commands, found := strings.Cut(help, "Binding Commands:\n")
	require.True(t, found, help)
	assert.Equal(t, "bind", strings.Fields(commands)[0], "bind is listed first")
	for synonym, command := range map[string]string{"create": "bind", "delete": "unbind", "status": "check", "show": "list", "get": "list", "connect": "psql"} {
		result := f.run(f.Pgbind(synonym, "deployment/web"))
		assert.Equal(t, 2, result.Code, synonym)
		assert.Contains(t, result.Stderr, `did you mean "`+command+`"?`, synonym)
	}
}
