//go:build e2e

package e2e

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// logFolder is where a server with full logging writes its log.
const logFolder = "/tmp/log"

// talkative makes the server log all that it can.
func talkative(object *unstructured.Unstructured) error {
	var args []any
	for _, setting := range []string{
		"shared_preload_libraries=pg_stat_statements,auto_explain", "auto_explain.log_min_duration=0", "auto_explain.log_nested_statements=on",
		"logging_collector=on", "log_directory=" + logFolder, // too much for the kubelet, which keeps only a part
		"log_statement=all", "log_min_duration_statement=0", "log_min_duration_sample=0", "log_statement_sample_rate=1", "log_transaction_sample_rate=1",
		"log_min_error_statement=debug5", "log_connections=on", "log_duration=on", "debug_print_parse=on", "debug_pretty_print=off",
	} {
		args = append(args, "-c", setting)
	}
	return harness.ChangeServer(object, func(server map[string]any) { server["args"] = args })
}

// watchProcesses repeatedly prints the command line and the environment of every process of the container, until it is stopped. It leaves
// out its own environment, which contains nothing of a run.
const watchProcesses = `while [ ! -e /tmp/enough ]; do
	for process in /proc/[0-9]*; do tr '\0' ' ' <"$process/cmdline"; echo; done
	sleep 0.05
done 2>/dev/null; rm /tmp/enough`

// TestSecretsStayWhereTheyBelong runs every command, and searches everything that is logged, printed or sampled meanwhile for every
// password and verifier.
func TestSecretsStayWhereTheyBelong(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim, talkative)
	f.admin("CREATE EXTENSION pg_stat_statements; CREATE SCHEMA more; CREATE TABLE more.things(id serial)")
	audit, err := f.AuditLog(f.ctx)
	require.NoError(t, err)
	processes, err := f.Kubectl("exec", lesson.DatabasePod, "--", "sh", "-c", watchProcesses).Start(f.ctx)
	require.NoError(t, err)
	l := &life{fixture: f, known: map[string]string{}}
	l.lead()
	l.plant()
	f.kubectl("exec", lesson.DatabasePod, "--", "touch", "/tmp/enough")
	sampled, err := processes.Wait()
	require.NoError(t, err)
	audited, err := audit.Since(f.ctx)
	require.NoError(t, err)
	places := map[string]string{
		"what pgbind printed":                     l.printed.String(),
		"the processes of the database container": sampled.Stdout,
		"the server's log": f.run(
			f.Kubectl("exec", lesson.DatabasePod, "--", "sh", "-c", "cat "+logFolder+"/*"),
		).Stdout,
		"pg_stat_statements":         f.admin("SELECT query FROM pg_stat_statements"),
		"the API server's audit log": about(f.Name, audited),
		"the objects except Secrets": f.run(
			f.Kubectl("get", "all,events,configmaps,endpointslices", "--output=yaml", "--show-managed-fields"),
		).Stdout,
	}

	t.Logf("%d passwords and verifiers, %d commands", len(l.known), l.commands)
	holds := strings.Contains // assert.Contains would print the text, which contains secrets if the check fails
	for place, text := range places {
		t.Logf("%s: %d bytes", place, len(text))
		assert.True(t, holds(text, plantedPassword), "the scan sees the planted password in %s", place)
		for secret, what := range l.known {
			assert.False(t, holds(text, secret), "%s is in %s", what, place)
		}
		assert.False(t, holds(strings.ReplaceAll(text, plantedVerifier, ""), verifierStart), "a verifier is in %s", place)
	}
	for _, place := range []string{"the server's log", "pg_stat_statements"} {
		assert.True(t, holds(places[place], plantedVerifier), "the scan sees the planted verifier in %s", place)
		assert.True(t, holds(places[place], "GRANT SELECT"), "grants stay visible in %s", place)
	}
}

// The secrets that are planted to test the scan, and the name of a role that cannot log in.
const (
	verifierStart   = "SCRAM-SHA-256$"
	barred          = "barred"
	plantedPassword = "PLANTEDpassword42"
	plantedVerifier = verifierStart + "4096:cGxhbnRlZA==$cGxhbnRlZA==:cGxhbnRlZA=="
)

// about returns the lines that name the namespace, because other tests run meanwhile.
func about(namespace, log string) string {
	var own []string
	for line := range strings.Lines(log) {
		if strings.Contains(line, namespace) {
			own = append(own, line)
		}
	}
	return strings.Join(own, "")
}

// life runs all commands on some bindings, from the first dry run to the last unbind.
type life struct {
	*fixture
	printed  strings.Builder
	known    map[string]string // what each secret is, by its text
	commands int
}

// lead runs every command with the highest verbosity.
func (l *life) lead() {
	l.t.Helper()
	l.idle("web", "shop", "late")
	l.kubectl("exec", lesson.DatabasePod, "--", "sed", "-i", "1i host all "+barred+" all reject", "/data/pgdata/pg_hba.conf")
	l.admin("SELECT pg_reload_conf()")
	const files = "apiVersion: pgbind.dev/v1alpha1\nkind: Binding\nspec: {workload: deployment/late, keys: [uri, jdbc, pgpass, servicebinding]}\n"
	given := "given'Password\" 1"
	l.known[given] = "the given password"
	for _, step := range []struct {
		stdin string
		args  []string
		code  int
	}{
		{args: []string{application, "--dry-run=client"}},
		{args: []string{application, "--dry-run=server"}},
		{args: []string{application}},
		{args: []string{application}},
		{args: []string{"deployment/web", "--access=readonly", "--schema=more", "--password-from=stdin", "--key=uri", "--wait=false"}, stdin: given},
		{args: []string{"deployment/shop", "--username=postgres", "--wait=false"}, code: 1},
		{args: []string{"deployment/shop", "--username=" + barred, "--output=yaml", "--wait=false"}, code: 1},
		{args: []string{"diff", "--filename=-"}, stdin: files, code: 1},
		{args: []string{"apply", "--filename=-", "--dry-run=server"}, stdin: files},
		{args: []string{"apply", "--filename=-", "--wait=false"}, stdin: files},
		{args: []string{"list", "--output=yaml"}},
		{args: []string{"list", "--output=wide"}},
		{args: []string{"check", "--output=json"}},
		{args: []string{"psql", application, "--", "--command=SELECT current_user"}},
		{args: []string{"rotate", application, "--dry-run=server"}},
		{args: []string{"rotate", application, "--grace=1s"}},
		{args: []string{"rotate", "deployment/web", "--in-place"}},
		{args: []string{"unbind", application, "--dry-run=server"}},
		{args: []string{"unbind", application, "--grace=1s"}},
		{args: []string{"unbind", "deployment/web", "--purge"}},
		{args: []string{"prune", "--dry-run=server"}},
	} {
		args := slices.Clone(step.args)
		result := l.run(l.Pgbind(slices.Insert(args, 1, "-v=9")...).Stdin(step.stdin))
		assert.Equal(l.t, step.code, result.Code, "%s: %s", step.args, result.Stderr)
		l.printed.WriteString(result.Stdout + result.Stderr)
		l.commands++
		l.learn()
	}
}

// learn records the current secrets.
func (l *life) learn() {
	l.t.Helper()
	secrets, err := l.Client.CoreV1().Secrets(l.Name).List(
		l.ctx,
		metav1.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=kubectl-pgbind"},
	)
	require.NoError(l.t, err)
	for _, secret := range secrets.Items {
		if password := secret.Data["POSTGRES_PASSWORD"]; len(password) > 0 {
			l.known[string(password)] = "the password of secret " + secret.Name
			l.known[base64.StdEncoding.EncodeToString(password)] = "the password of secret " + secret.Name + ", as a Secret is written,"
		}
	}
	for _, row := range lines(l.admin("SELECT rolname, rolpassword FROM pg_authid WHERE rolname ~ '^pgb_' AND rolpassword IS NOT NULL")) {
		if role, verifier, found := strings.Cut(row, "|"); found {
			l.known[verifier] = "the verifier of role " + role
		}
	}
}

// plant writes a password to every place that is searched, and a verifier to the server's records of statements.
func (l *life) plant() {
	l.t.Helper()
	l.admin("CREATE ROLE planted PASSWORD '" + plantedPassword + "'; ALTER ROLE planted PASSWORD '" + plantedVerifier + "'")
	l.kubectl("exec", lesson.DatabasePod, "--", "sh", "-c", "sleep 10; true", plantedPassword)
	l.kubectl("annotate", application, "planted="+plantedPassword)
	l.printed.WriteString(l.run(l.Pgbind("psql", "deployment/late", "--", "--command=SELECT '"+plantedPassword+"'")).Stdout)
}
