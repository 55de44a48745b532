//go:build e2e

package e2e

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// serverPods starts servers with a Service each, and a database of the application's on every one of them.
func (f *fixture) serverPods(database string, names ...string) {
	f.t.Helper()
	f.create(passwordSecret())
	var pods []*corev1.Pod
	for _, name := range names {
		pods = append(pods, postgresPod(name, "postgres:17", map[string]string{"POSTGRES_DB": database}, nil))
	}
	f.startPostgres(pods...)
}

// isBoundTo requires that the Deployment is bound to the database of the server.
func (f *fixture) isBoundTo(deployment, server, database string) {
	f.t.Helper()
	found := f.deployment(deployment)
	var note struct {
		Spec struct{ Postgres, DBName string }
	}
	for key, value := range found.Annotations {
		if strings.HasPrefix(key, "binding.pgbind.dev/") {
			require.NoError(f.t, json.Unmarshal([]byte(value), &note))
		}
	}
	assert.Equal(f.t, server, note.Spec.Postgres)
	assert.Equal(f.t, database, note.Spec.DBName)
}

func TestServers_TheOnlyOneIsGuessed(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	f.serverPods("shop", "pg")
	f.idle("web", "quiet", "second")

	result := f.bind("deployment/web")
	assert.Contains(t, result.Stderr, "using service/pg in namespace "+f.Name+": the only PostgreSQL server there")
	assert.Contains(t, result.Stderr, "using database shop: the only one of service/pg that is not postgres")
	f.isBoundTo("web", "service/pg", "shop")
	assert.Contains(t, f.bind("deployment/quiet", "--quiet").Stderr, "using service/pg", "a guess is named whatever else is not")

	assert.Empty(t, f.sqlIn("pg", "CREATE DATABASE orders"))
	refused := f.run(f.Pgbind("deployment/second"))
	assert.Equal(t, 1, refused.Code)
	assert.Contains(t, refused.Stderr, "\n  --dbname=orders\n  --dbname=shop")
	assert.Contains(t, f.bind("deployment/web").Stdout, "deployment.apps/web unchanged", "a binding stays where it is")
	f.bind("deployment/second", "--dbname=orders")
	f.isBoundTo("second", "service/pg", "orders")
}

func TestServers_SeveralAreAnError(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	f.serverPods("shop", "pg-a", "pg-b", "pg-c")
	f.idle("web", "flagged", "annotated", "bare")

	refused := f.run(f.Pgbind("deployment/web"))
	assert.Equal(t, 1, refused.Code)
	assert.Empty(t, refused.Stdout)
	assert.Contains(t, refused.Stderr, "3 PostgreSQL servers")
	for _, name := range []string{"pg-a", "pg-b", "pg-c"} {
		assert.Contains(t, refused.Stderr, "\n  --postgres=service/"+name+"   postgres:17, pod/"+name+"\n")
	}
	assert.Equal(t, "0", f.sqlIn("pg-a", "SELECT count(*) FROM pg_roles WHERE rolname ~ '^pgb'"))

	f.bind("deployment/flagged", "--postgres=service/pg-a")
	f.isBoundTo("flagged", "service/pg-a", "shop")
	result := f.run(f.Pgbind("deployment/web").Env("PGBIND_POSTGRES=pod/pg-b", "PGBIND_DBNAME=postgres", "PGBIND_ACCESS=readonly"))
	require.Zero(t, result.Code, result.Stderr)
	assert.Contains(t, result.Stderr, "PGBIND_POSTGRES")
	f.isBoundTo("web", "pod/pg-b", "postgres")

	_, err := f.Kubectl("annotate", "namespace", f.Name, "pgbind.dev/postgres=service/pg-c", "pgbind.dev/access=readwrite").Output(f.ctx)
	require.NoError(t, err)
	assert.Contains(t, f.bind("deployment/annotated").Stderr, "annotation pgbind.dev/postgres")
	f.isBoundTo("annotated", "service/pg-c", "shop")
	assert.Contains(t, f.deployment("annotated").Annotations["binding.pgbind.dev/"+f.references("annotated")[0]], `"access":"readwrite"`)

	f.bind("deployment/bare", "--postgres=pg-a")
	f.isBoundTo("bare", "pod/pg-a", "shop")
}

// TestServers_ClusterInTheErrorAboutSeveral has the labels that CloudNativePG gives to three Pods.
func TestServers_ClusterInTheErrorAboutSeveral(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	f.create(passwordSecret())
	pods := []*corev1.Pod{postgresPod("pg", "postgres:17", nil, nil)}
	for name, role := range map[string]string{"shop-1": "replica", "shop-2": "primary", "shop-3": "replica"} {
		pods = append(pods, postgresPod(name, "postgres:17", nil, func(pod *corev1.Pod) {
			pod.Labels = map[string]string{"cnpg.io/cluster": "shop", "cnpg.io/instanceRole": role, "cnpg.io/podRole": "instance"}
		}))
	}
	f.startPostgres(pods...)
	f.idle("web")

	refused := f.run(f.Pgbind("deployment/web"))
	assert.Equal(t, 1, refused.Code)
	flags := regexp.MustCompile(
		`(?m)^  (--postgres=\S+) +cloudnativepg, primary pod/shop-2, replicas pod/shop-1, pod/shop-3$`,
	).FindStringSubmatch(
		refused.Stderr,
	)
	require.NotNil(t, flags, refused.Stderr)
	f.bind("deployment/web", flags[1], "--dbname=postgres")
	assert.Equal(t, "1", f.sqlIn("shop-2", `SELECT count(*) FROM pg_roles WHERE rolname LIKE 'pgb\_%\_1'`), "the flag is ready to use")
}

// TestDatabase_PostgresIsAWarning: the database postgres is seldom the application's.
func TestDatabase_PostgresIsAWarning(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	f.serverPods("shop", "pg")
	assert.Empty(t, f.sqlIn("pg", `CREATE DATABASE "Much Too Odd"`))
	f.idle("web", "other", "right")
	const warning = "the database is postgres, but "
	result := f.bind("deployment/web", "deployment/other", "--postgres=pod/pg", "--dbname=postgres")
	assert.Contains(t, result.Stderr, warning+`pod/pg also has: Much Too Odd, shop; `)
	assert.Contains(t, result.Stderr, "'--dbname=Much Too Odd'")
	assert.Equal(t, 1, strings.Count(result.Stderr, warning), "once for a server")
	assert.NotContains(t, result.Stdout, "Warning")
	assert.NotContains(t, f.bind("deployment/web").Stderr, warning, "the binding is not new")
	assert.NotContains(t, f.bind("deployment/right", "--dbname=shop").Stderr, warning)
}

func TestServers_NoneIsAnError(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	f.idle("web")
	refused := f.run(f.Pgbind("deployment/web"))
	assert.Equal(t, 1, refused.Code)
	assert.Contains(t, refused.Stderr, "no PostgreSQL server found in namespace "+f.Name)
	assert.Contains(t, refused.Stderr, "--postgres-namespace")
	assert.Contains(t, f.run(f.Pgbind("servers")).Stderr, "No resources found")
}

// TestServers_NamesOneThatIsNotReady has a server whose container cannot start: the Secret with its password does not exist.
func TestServers_NamesOneThatIsNotReady(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	f.idle("web")
	f.create(postgresPod("pg", "postgres:17", nil, nil))
	const unready = " looks like a PostgreSQL server, but it is not ready, "
	for _, args := range [][]string{{"servers"}, {"audit"}, {"deployment/web"}} {
		assert.Contains(t, f.run(f.Pgbind(args...)).Stderr, "pod/pg in namespace "+f.Name+unready, "%v", args)
	}
	named := f.run(f.Pgbind("deployment/web", "--postgres=pod/pg"))
	assert.Equal(t, 1, named.Code)
	assert.Contains(t, named.Stderr, "kubectl describe pod/pg")
	assert.NotContains(t, named.Stderr, "--postgres", "its name is right")
}

func TestServers_DeploymentIsAServer(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	f.create(passwordSecret())
	pod := postgresPod("pg", "postgres:17", map[string]string{"POSTGRES_DB": "shop"}, nil)
	f.create(&appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "pg"},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: pod.Labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: pod.Labels}, Spec: pod.Spec},
		},
	})
	f.create(&corev1.Service{
		ObjectMeta: metav1.ObjectMeta{
			Name: "pg",
		},
		Spec: corev1.ServiceSpec{Selector: pod.Labels, Ports: []corev1.ServicePort{{Port: 5432}}},
	})
	f.rollout("deployment/pg")
	f.idle("web")
	f.bind("deployment/web", "--postgres=deployment/pg")
	f.isBoundTo("web", "deployment/pg", "shop")
	assert.Equal(t, "service/pg\n", f.bind("servers", "-o", "name").Stdout)
}

func TestServers_ListAgreesWithKubectlAndPsql(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	f.serverPods("shop", "pg-a", "pg-b")
	f.create(databasePod("empty", corev1.Container{Name: "empty", Image: appImage, Ports: []corev1.ContainerPort{{ContainerPort: 5432}}}))
	// Two clients: people use the image of a server to run psql.
	f.create(databasePod("asleep", corev1.Container{Name: "psql", Image: "postgres:17", Command: []string{"sleep", "infinity"}}))
	f.create(databasePod("waiting", corev1.Container{Name: "psql", Image: "postgres:17", Args: []string{"tail", "-f", "/dev/null"}}))
	_, err := f.Kubectl("wait", "--for=condition=Ready", "--timeout=60s", "pod/empty", "pod/asleep", "pod/waiting").Output(f.ctx)
	require.NoError(t, err)

	result := f.bind("servers", "-o", "json")
	var list struct {
		Items []struct {
			Metadata struct{ Name, Namespace string }
			Status   struct {
				Endpoint, Primary, Version string
				Databases                  []string
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(result.Stdout), &list))
	require.Len(t, list.Items, 3)
	for _, item := range list.Items {
		s := item.Status
		assert.Equal(t, f.Name, item.Metadata.Namespace)
		if s.Primary == "empty" {
			assert.Empty(t, s.Version)
			assert.Empty(t, s.Databases)
			continue
		}
		assert.Equal(t, "service/"+s.Primary, item.Metadata.Name)
		port, err := f.Kubectl("get", "service", s.Primary, "-o", "jsonpath={.spec.ports[0].port}").Output(f.ctx)
		require.NoError(t, err)
		assert.Equal(t, s.Primary+"."+f.Name+".svc:"+port, s.Endpoint)
		assert.True(t, strings.HasPrefix(f.sqlIn(s.Primary, "SHOW server_version"), s.Version))
		assert.Equal(
			t,
			f.sqlIn(s.Primary, "SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database WHERE NOT datistemplate"),
			strings.Join(s.Databases, ","),
		)
	}
	assert.Contains(t, result.Stderr, "pod/empty")
	assert.Contains(t, f.bind("servers", "-A").Stdout, "service/pg-a")
	assert.NotRegexp(t, `(?m)NAMESPACE`, f.bind("servers").Stdout)
}
