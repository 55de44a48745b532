//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// auditReport is what audit prints as JSON.
type auditReport struct {
	Servers []struct {
		Name, Pod, Version string
		Roles              []struct{ Name, Password string }
	}
	Accesses []struct {
		Source, Workload, Role, Database, Reason string
		Superuser                                bool
		Sessions                                 int
	}
	Findings []struct{ Code, Severity, Object, Message, Fix, Page string }
}

// audit runs audit, which must end with that code.
func (f *fixture) audit(code int, args ...string) auditReport {
	f.t.Helper()
	result := f.run(f.Pgbind(append([]string{"audit", "-o", "json"}, args...)...))
	require.Equal(f.t, code, result.Code, result.Stdout+result.Stderr)
	f.requireNoPassword(result.Stdout + result.Stderr)
	assert.NotContains(f.t, result.Stdout, "UaGu5chu")
	var report auditReport
	require.NoError(f.t, json.Unmarshal([]byte(result.Stdout), &report))
	return report
}

// found returns "CODE SEVERITY OBJECT" of each finding.
func (r auditReport) found() []string {
	var lines []string
	for _, f := range r.Findings {
		lines = append(lines, f.Code+" "+f.Severity+" "+f.Object)
	}
	return lines
}

// uses returns "WORKLOAD ROLE SESSIONS DATABASE" of each access, without those of the server itself.
func (r auditReport) uses() []string {
	var lines []string
	for _, a := range r.Accesses {
		if a.Source != "server" {
			lines = append(lines, fmt.Sprintf("%s %s %d %s", a.Workload, a.Role, a.Sessions, a.Database))
		}
	}
	return lines
}

// psqlSession is a Deployment that holds one session open, with the login of a Secret.
func psqlSession(name, secret string) *appsv1.Deployment {
	key := func(variable, key string) corev1.EnvVar {
		return corev1.EnvVar{Name: variable, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: secret}, Key: key}}}
	}
	return deployment(name, func(spec *corev1.PodSpec) {
		spec.TerminationGracePeriodSeconds = new(int64)
		spec.Containers[0].Image = databaseImage
		spec.Containers[0].Command = []string{"sh", "-c", "while :; do sleep 600 | psql --dbname=postgres; sleep 1; done"}
		spec.Containers[0].Env = []corev1.EnvVar{
			key("PGHOST", "POSTGRES_HOST"), key("PGUSER", "POSTGRES_USERNAME"), key("PGPASSWORD", "POSTGRES_PASSWORD"),
		}
	})
}

// loginSecret is a Secret made by hand, as in the lesson.
func (f *fixture) loginSecret(name, role, password string) {
	f.t.Helper()
	f.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, StringData: map[string]string{
		"POSTGRES_HOST": "postgresql-svc." + f.Name + ".svc.cluster.local", "POSTGRES_USERNAME": role, "POSTGRES_PASSWORD": password}})
}

// TestAudit names each workload rightly: one as superuser, two that share a role that createuser made, a bound one, and
// two without a session. What psql and kubectl report is the measure.
func TestAudit(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.bind(application)
	bound := f.login(firstSecret).Username
	_, err := f.Kubectl(
		"exec", "--stdin", lesson.DatabasePod, "--container="+lesson.Container, "--", "createuser",
		"--username=postgres", "gaeMo6di",
	).Output(f.ctx)
	require.NoError(t, err)
	f.admin(`ALTER ROLE "gaeMo6di" PASSWORD 'UaGu5chu'; CREATE ROLE boss LOGIN SUPERUSER PASSWORD 'UaGu5chu'; CREATE ROLE lonely LOGIN;
		GRANT ALL PRIVILEGES ON DATABASE postgres TO "gaeMo6di"; SET password_encryption = md5; CREATE ROLE weak LOGIN PASSWORD 'UaGu5chu';
		GRANT pg_execute_server_program TO weak`)
	f.loginSecret("boss", "boss", "UaGu5chu")
	f.loginSecret("by-hand", "gaeMo6di", "UaGu5chu")
	f.create(psqlSession("forgejo", "boss"))
	f.create(psqlSession("shared-a", "by-hand"))
	f.create(psqlSession("shared-b", "by-hand"))
	idle := psqlSession("idle", "by-hand")
	idle.Spec.Replicas = new(int32)
	f.create(idle)
	literal := deployment("literal", func(spec *corev1.PodSpec) {
		spec.Containers[0].Env = []corev1.EnvVar{
			{Name: "DATABASE_URL", Value: "postgres://weak:UaGu5chu@postgresql-svc." + f.Name + "/postgres"},
		}
	})
	literal.Spec.Replicas = new(int32)
	f.create(literal)
	for _, name := range []string{"forgejo", "shared-a", "shared-b"} {
		f.rollout("deployment/" + name)
	}
	f.eventually("every session is there", func() bool {
		return f.admin("SELECT count(*) FROM pg_stat_activity WHERE usename IN ('boss', 'gaeMo6di') AND client_addr IS NOT NULL") == "3"
	})

	before, place := f.catalogs(), f.auditLog()
	report := f.audit(1)

	assert.Equal(t, before, f.catalogs(), "it changes nothing in the database")
	f.requireReadOnly(place)
	uses := report.uses()
	assert.Contains(t, uses, "deployment/forgejo boss 1 postgres")
	assert.Contains(t, uses, "deployment/shared-a gaeMo6di 1 postgres")
	assert.Contains(t, uses, "deployment/shared-b gaeMo6di 1 postgres")
	assert.Contains(t, uses, "deployment/idle gaeMo6di 0 ")
	assert.Contains(t, uses, "deployment/literal weak 0 ")
	f.requireSessions(report)
	found := report.found()
	for _, want := range []string{
		"SuperuserWorkload critical deployment/forgejo", "SharedRole warning role/gaeMo6di", "PowerfulRole critical role/weak", "MD5Password warning role/weak",
		"UnusedRole info role/lonely", "NoPassword info role/lonely", "PublicConnect info PUBLIC",
	} {
		assert.Contains(t, found, want)
	}
	assert.Regexp(t, `LocalTrust info pg_hba.conf:[\d,]+`, strings.Join(found, "\n"))
	for _, line := range found {
		assert.NotContains(t, line, bound, "a bound role is in order")
		assert.NotContains(t, line, "UnknownAddress", "each session has its Pod")
		assert.NotContains(t, line, "TrustRule", "the image asks for passwords over the network")
	}

	t.Run("with the values of Secrets", func(t *testing.T) {
		f := f.in(t)
		f.loginSecret("outdated", "gaeMo6di", "another")
		old := psqlSession("outdated", "outdated")
		old.Spec.Replicas = new(int32)
		f.create(old)
		assert.Contains(t, f.audit(1, "--read-secrets").found(), "PasswordsDiffer critical role/gaeMo6di")
		assert.NotContains(t, f.audit(1).found(), "PasswordsDiffer critical role/gaeMo6di")
	})
	t.Run("formats", func(t *testing.T) {
		f := f.in(t)
		for format, text := range map[string]string{
			"": "boss (superuser)", "wide": "docs/findings.md#audit-superuserworkload", "yaml": "kind: Audit", "junit": "<testsuites", "html": "</html>", "mermaid": "flowchart LR",
		} {
			result := f.run(f.Pgbind("audit", "-o", format, "--fail-on=none"))
			assert.Zero(t, result.Code, result.Stderr)
			assert.Contains(t, result.Stdout, text)
			assert.NotContains(t, result.Stdout, "UaGu5chu")
		}
	})
	t.Run("fixes", func(t *testing.T) {
		f := f.in(t)
		for _, finding := range f.audit(1).Findings {
			if finding.Code == "PowerfulRole" || finding.Code == "UnusedRole" {
				f.obey(finding.Fix)
			}
		}
		assert.NotContains(t, f.audit(1).found(), "PowerfulRole critical role/weak")
		assert.Equal(t, "f", f.admin("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'lonely'"))
	})
}

// TestAudit_FindsNothingWrongInTheLesson: a bound application is no reason for a warning.
func TestAudit_FindsNothingWrongInTheLesson(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.bind(application)
	report := f.audit(0, "--fail-on=warning", "--postgres=statefulset/"+lesson.Database)
	for _, finding := range report.Findings {
		assert.Contains(t, []string{"PublicConnect", "LocalTrust"}, finding.Code, finding.Message)
	}
	assert.Equal(t, 2, f.run(f.Pgbind("audit", "--postgres=pod/none")).Code)
	assert.Equal(t, 2, f.run(f.Pgbind("audit", "--fail-on=bad")).Code)
}

// TestAudit_NamesPoolersAndTrust: a pooler is named as one, a workload behind it by its template, and a rule that asks
// for no password by its line.
func TestAudit_NamesPoolersAndTrust(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	f.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "admin"}, StringData: map[string]string{"password": "only-for-this-test"}})
	f.startPostgres(postgresPod("pg", "postgres:17", map[string]string{"POSTGRES_HOST_AUTH_METHOD": "trust"}, nil))
	f.poolers()
	client := deployment("client", func(spec *corev1.PodSpec) {
		spec.Containers[0].Env = []corev1.EnvVar{{Name: "DB_HOST", Value: "pgbouncer"}, {Name: "DB_USER", Value: "postgres"}}
	})
	client.Spec.Replicas = new(int32)
	f.create(client)

	report := f.audit(1, "--postgres=pod/pg")

	assert.Contains(t, strings.Join(report.uses(), "\n"), "pod/pgbouncer postgres ")
	assert.Contains(t, report.uses(), "deployment/client postgres 0 ")
	assert.Contains(t, report.found(), "Pooler info pod/pgbouncer")
	assert.Contains(t, report.found(), "SuperuserWorkload critical pod/pgbouncer")
	for _, finding := range report.Findings {
		if finding.Code == "TrustRule" {
			assert.Equal(t, "critical", finding.Severity)
			f.obey(finding.Fix)
		}
	}
	assert.Contains(t, strings.Join(report.found(), "\n"), "TrustRule critical pg_hba.conf:")
	assert.NotContains(t, strings.Join(f.audit(1, "--postgres=pod/pg").found(), "\n"), "TrustRule")
}

// requireSessions compares the report with what psql and kubectl say: for each address, the number of sessions.
func (f *fixture) requireSessions(report auditReport) {
	f.t.Helper()
	want := map[string]int{}
	for _, line := range lines(f.admin("SELECT host(client_addr), count(*) FROM pg_stat_activity WHERE client_addr IS NOT NULL AND usename IN ('boss', 'gaeMo6di') GROUP BY 1")) {
		address, count, _ := strings.Cut(line, "|")
		pod, err := f.Kubectl(
			"get", "pods", "--field-selector=status.podIP="+address,
			"--output=jsonpath={.items[0].metadata.labels.app}",
		).Output(f.ctx)
		require.NoError(f.t, err)
		n := 0
		_, err = fmt.Sscan(count, &n)
		require.NoError(f.t, err)
		want["deployment/"+pod] += n
	}
	got := map[string]int{}
	for _, a := range report.Accesses {
		if a.Source == "workload" && a.Sessions > 0 && (a.Role == "boss" || a.Role == "gaeMo6di") {
			got[a.Workload] += a.Sessions
		}
	}
	assert.Equal(f.t, want, got)
}

// catalogs is the state of the catalogs of roles and databases.
func (f *fixture) catalogs() string {
	f.t.Helper()
	return f.admin(
		`SELECT a.*, xmin FROM pg_authid a ORDER BY oid; SELECT m.*, xmin FROM pg_auth_members m ORDER BY 1, 2; SELECT d.*, xmin FROM pg_database d ORDER BY oid;
		SELECT oid, relname, relowner, relacl, xmin FROM pg_class ORDER BY oid; SELECT oid, nspname, nspowner, nspacl, xmin FROM pg_namespace ORDER BY oid;
		SELECT oid, xmin FROM pg_proc WHERE oid >= 16384 ORDER BY oid; SELECT setdatabase, setrole, setconfig, xmin FROM pg_db_role_setting ORDER BY 1, 2`,
	)
}

func (f *fixture) auditLog() *harness.AuditLog {
	f.t.Helper()
	place, err := f.AuditLog(f.ctx)
	require.NoError(f.t, err)
	return place
}

// requireReadOnly requires that the plugin sent no write since then but the exec, and read no Secret but as metadata.
func (f *fixture) requireReadOnly(place *harness.AuditLog) {
	f.t.Helper()
	text, err := place.Since(f.ctx)
	require.NoError(f.t, err)
	execs := 0
	for line := range strings.Lines(text) {
		var event struct {
			Verb, UserAgent string
			ObjectRef       struct{ Resource, Subresource, Namespace, Name string }
		}
		if json.Unmarshal([]byte(line), &event) != nil || !strings.HasPrefix(event.UserAgent, "kubectl-pgbind/") ||
			event.ObjectRef.Namespace != f.Name {
			continue
		}
		switch {
		case event.ObjectRef.Subresource == "exec":
			execs++
		case event.ObjectRef.Resource == "secrets":
			assert.Equal(f.t, "list", event.Verb, "the metadata of bindings")
		default:
			assert.Contains(f.t, []string{"get", "list"}, event.Verb, line)
		}
	}
	assert.Positive(f.t, execs, text)
}
