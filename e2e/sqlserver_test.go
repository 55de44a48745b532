//go:build e2e

package e2e

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

// sqlServer is a server for tests of single scripts.
type sqlServer struct {
	*postgres.Server
	t     *testing.T
	ctx   context.Context
	podIP string
	// run runs SQL as a role in a database, through the socket, where the server asks for no password.
	run func(ctx context.Context, role, database, sql string) (string, error)
}

func (s *sqlServer) in(t *testing.T) *sqlServer {
	t.Helper()
	copied := *s
	copied.t = t
	return &copied
}

func (s *sqlServer) as(role, database, sql string) (string, error) {
	return s.run(s.ctx, role, database, sql)
}

func (s *sqlServer) sql(database, sql string) string {
	s.t.Helper()
	rows, err := s.as("postgres", database, sql)
	require.NoError(s.t, err)
	return rows
}

// sessions counts the sessions of the bound role; -1: they could not be counted.
func (s *sqlServer) sessions() int {
	if count := s.Sessions(s.ctx, sqlRoles(boundRole))[0]; count.Err == nil {
		return count.Sessions
	}
	return -1
}

// serverVersions returns the versions in PGBIND_PG, separated by spaces. By default, it returns all supported versions.
func serverVersions() []string {
	if chosen := strings.Fields(os.Getenv("PGBIND_PG")); len(chosen) > 0 {
		return chosen
	}
	return []string{"13", "15", "17", "18"}
}

// server starts a server of that version, which allows prepared transactions.
func (f *fixture) server(version string) *sqlServer {
	f.t.Helper()
	name := "postgres-" + version
	f.create(databasePod(name, started(corev1.Container{
		Name: name, Image: "postgres:" + version, Args: []string{"-c", "max_prepared_transactions=5"},
		Ports: []corev1.ContainerPort{{Name: "postgresql", ContainerPort: 5432}},
		Env:   []corev1.EnvVar{{Name: "POSTGRES_PASSWORD", Value: "only-for-this-test"}},
	})))
	_, err := f.Kubectl("wait", "--for=condition=Ready", "--timeout=120s", "pod/"+name).Output(f.ctx)
	require.NoError(f.t, err)
	pod, err := f.Client.CoreV1().Pods(f.Name).Get(f.ctx, name, metav1.GetOptions{})
	require.NoError(f.t, err)
	exec, err := podexec.New(f.REST)
	require.NoError(f.t, err)
	where := podexec.Container{Namespace: f.Name, Pod: name, Name: name}
	return &sqlServer{
		Server: &postgres.Server{
			Exec:      exec,
			Container: where,
			User:      "postgres",
			Database:  "app",
		},
		t:     f.t,
		ctx:   f.ctx,
		podIP: pod.Status.PodIP,
		run: func(ctx context.Context, role, database, sql string) (string, error) {
			rows, err := f.Kubectl(
				"exec", "--stdin", name, "--", "psql", "--username="+role, "--dbname="+database, "--no-psqlrc",
				"--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1", "--file=-",
			).Stdin(sql).Output(ctx)
			return strings.TrimSpace(rows), err
		},
	}
}
