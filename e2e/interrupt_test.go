//go:build e2e

package e2e

import (
	"context"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// moment is when a run is interrupted: when it sends a request, or when it waits for the answer.
type moment struct {
	name    string
	request func(*http.Request) bool
	after   bool
}

func moments() []moment {
	write := func(method, resource string) func(*http.Request) bool {
		return func(r *http.Request) bool {
			return r.Method == method && strings.Contains(r.URL.Path, "/"+resource) && r.URL.Query().Get("dryRun") == ""
		}
	}
	return []moment{
		{"before-exec", isExec, false},
		{"before-secret", write(http.MethodPost, "secrets"), false},
		{"after-secret", write(http.MethodPost, "secrets"), true},
		{"before-patch", write(http.MethodPatch, "deployments"), false},
		{"after-patch", write(http.MethodPatch, "deployments"), true},
		{"before-event", write(http.MethodPost, "events"), false},
	}
}

func isExec(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/exec") }

// signals maps signals to exit codes. SIGTERM differs from SIGINT only in the exit code: see TestExitCodes.
func signals() map[syscall.Signal]int {
	return map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGKILL: -1}
}

// TestInterruptedRun_IsCompletedByTheNext interrupts runs at every write. The request that was in flight arrives after the end of the run.
func TestInterruptedRun_IsCompletedByTheNext(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	t.Run("at", func(t *testing.T) {
		for _, moment := range moments() {
			for signal, code := range signals() {
				name := moment.name + "-" + strings.ReplaceAll(signal.String(), " ", "-")
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					f := f.in(t)
					f.create(small(deployment(name, nil)))
					proxy := f.proxy()
					proxy.Hold(moment.request, moment.after)
					result := f.interrupt(
						f.Pgbind("deploy/"+name).As(proxy.Kubeconfig),
						signal,
						func() error { return proxy.WaitHeld(f.ctx) },
					)
					proxy.Release()
					t.Log(result.Stderr)
					assert.Equal(t, code, result.Code)
					f.bind("deploy/" + name)
					f.requireOneBinding(name)
				})
			}
		}
	})
	// Each of the programs writes to another catalog first.
	for program, catalog := range map[string]string{"createuser": "pg_authid", "psql": "pg_auth_members"} {
		for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
			name := "in-" + program + "-" + signal.String()
			t.Run(name, func(t *testing.T) { f.in(t).testInterruptedInDatabase(name, catalog, signal) })
		}
	}
	logs, err := f.Kubectl("logs", lesson.DatabasePod).Output(f.ctx)
	require.NoError(t, err)
	assert.Contains(t, logs, "ready to accept connections")
	assert.NotRegexp(t, "terminated by signal|exited with exit code|reinitializing", logs, "a killed run does not crash the server")
	assert.Equal(
		t, f.count("deployments", "binding.pgbind.dev"),
		f.admin("SELECT count(*) FROM pg_roles WHERE rolname ~ '^pgb_'"), "no role is left over",
	)
}

// testInterruptedInDatabase ends a run that waits for a lock on a catalog of the database.
func (f *fixture) testInterruptedInDatabase(name, catalog string, signal os.Signal) {
	f.create(small(deployment(name, nil)))
	proxy := f.proxy()
	proxy.Hold(isExec, false)
	result := f.interrupt(f.Pgbind("deploy/"+name).As(proxy.Kubeconfig), signal, func() error {
		if err := proxy.WaitHeld(f.ctx); err != nil {
			return err
		}
		f.lockCatalog(catalog)
		proxy.Release()
		f.waitFor("SELECT count(*) > 0 FROM pg_locks WHERE relation = '" + catalog + "'::regclass AND NOT granted")
		time.AfterFunc(time.Second, func() { f.unlockRoles() })
		return nil
	})
	f.t.Log(result.Stderr)
	f.bind("deploy/" + name)
	f.requireOneBinding(name)
}

// interrupt starts the command, and ends it by the signal once ready returns.
func (f *fixture) interrupt(command *harness.Command, signal os.Signal, ready func() error) harness.Result {
	f.t.Helper()
	process, err := command.Start(f.ctx)
	require.NoError(f.t, err)
	require.NoError(f.t, ready())
	require.NoError(f.t, process.Signal(signal))
	result, err := process.Wait()
	require.NoError(f.t, err)
	return result
}

// lockCatalog makes writes to a catalog wait.
func (f *fixture) lockCatalog(catalog string) {
	f.t.Helper()
	go func() {
		_, _ = f.AdminSQL(f.ctx, "BEGIN; LOCK TABLE "+catalog+" IN EXCLUSIVE MODE; SELECT pg_sleep(60)")
	}()
	f.waitFor("SELECT count(*) > 0 FROM pg_locks WHERE relation = '" + catalog + "'::regclass AND mode = 'ExclusiveLock' AND granted")
}

func (f *fixture) unlockRoles() {
	_, err := f.AdminSQL(
		f.ctx,
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()",
	)
	assert.NoError(f.t, err)
}

// waitFor repeats the SQL until it answers true.
func (f *fixture) waitFor(sql string) {
	f.t.Helper()
	require.NoError(
		f.t,
		wait.PollUntilContextTimeout(f.ctx, 200*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
			answer, err := f.AdminSQL(ctx, sql)
			return answer == "t", err
		}),
		sql,
	)
}

// requireOneBinding requires one Secret, one role, one reference of the Deployment, and a login that works.
func (f *fixture) requireOneBinding(name string) {
	f.t.Helper()
	secrets, err := f.Client.CoreV1().Secrets(f.Name).List(
		f.ctx,
		metav1.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=kubectl-pgbind"},
	)
	require.NoError(f.t, err)
	var own []string
	id := ""
	for i := range secrets.Items {
		if found := f.metadata(&secrets.Items[i]); found.Spec.Workload == "deployment.apps/"+name {
			own = append(own, secrets.Items[i].Name)
			id = found.Status.ID
		}
	}
	require.Len(f.t, own, 1, "Secrets")
	template := f.deployment(name).Spec.Template.Spec
	require.Len(f.t, template.Containers[0].EnvFrom, 1, "references")
	assert.Equal(f.t, own[0], template.Containers[0].EnvFrom[0].SecretRef.Name)
	assert.Equal(
		f.t, f.login(own[0]).Username,
		f.admin("SELECT rolname FROM pg_roles WHERE shobj_description(oid, 'pg_authid') LIKE '%id="+id+" %'"), "roles",
	)
	assert.Equal(f.t, "1", f.as(own[0], "SELECT 1"))
}

// count counts the objects that have an annotation of that prefix.
func (f *fixture) count(resource, prefix string) string {
	f.t.Helper()
	out, err := f.Kubectl("get", resource, "--output=jsonpath={range .items[*]}{.metadata.annotations}{\"\\n\"}{end}").Output(f.ctx)
	require.NoError(f.t, err)
	return strconv.Itoa(strings.Count(out, `"`+prefix))
}
