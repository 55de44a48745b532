//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestAudit_OneNamespace has six kinds of clients in one namespace: a superuser's application, two that share a role, a
// pooler, one with a role made by hand, a bound one, and one without a session.
func TestAudit_OneNamespace(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	f.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "admin"}, StringData: map[string]string{"password": "only-for-this-test"}})
	f.startPostgres(postgresPod("pg", "postgres:17", map[string]string{"POSTGRES_DB": "shop"}, nil))
	f.poolers()
	f.makeLogins()
	for name, secret := range map[string]string{"super": "super", "shared-a": "shared", "shared-b": "shared", "alone": "alone"} {
		f.create(psqlSession(name, secret))
	}
	f.create(small(psqlSession("quiet", "quiet")))
	f.create(boundSession("bound"))
	f.bind("deployment/bound", "--postgres=pod/pg", "--dbname=shop", "--timeout=2m")
	for _, name := range []string{"super", "shared-a", "shared-b", "alone"} {
		f.rollout("deployment/" + name)
	}
	login := f.login(secretOf("bound")).Username
	f.eventually("every session is there", func() bool {
		return f.sqlIn(
			"pg",
			"SELECT count(DISTINCT (usename, client_addr)) FROM pg_stat_activity WHERE client_addr IS NOT NULL AND usename IN ('boss', 'shared', 'alone', '"+login+"')",
		) == "5"
	})

	// Only the value of its Secret says which role a workload without a session has.
	assert.Contains(t, f.audit(1, "--postgres=pod/pg").found(), "UnusedRole info role/quiet")
	report := f.audit(1, "--postgres=pod/pg", "--read-secrets")

	uses, found := report.uses(), report.found()
	for _, want := range []string{
		"deployment/super boss 1 postgres", "deployment/shared-a shared 1 postgres", "deployment/shared-b shared 1 postgres",
		"deployment/alone alone 1 postgres", "deployment/bound " + login + " 1 shop", "deployment/quiet quiet 0 ",
	} {
		assert.Contains(t, uses, want)
	}
	for _, want := range []string{
		"SuperuserWorkload critical deployment/super", "SuperuserWorkload critical pod/pgbouncer", "Pooler info pod/pgbouncer", "SharedRole warning role/shared",
	} {
		assert.Contains(t, found, want)
	}
	for _, line := range found {
		for _, fine := range []string{"role/alone", "role/quiet", "role/" + login, "deployment/alone", "deployment/bound", "deployment/quiet", "UnknownAddress"} {
			assert.False(t, strings.HasSuffix(line, fine) || strings.Contains(line, fine+" "), line)
		}
	}

	t.Run("another workload with the login of a binding", func(t *testing.T) {
		f := f.in(t)
		f.create(psqlSession("rider", secretOf("bound")))
		f.rollout("deployment/rider")
		shared := func() (fix string) {
			for _, finding := range f.audit(1, "--postgres=pod/pg").Findings {
				if finding.Code == "SharedRole" && finding.Object == "role/"+login {
					fix = finding.Fix
				}
			}
			return fix
		}
		require.NotEmpty(t, shared())
		f.obey(shared())
		assert.Len(t, f.boundSecrets(), 2, "the other workload has a binding of its own")
		f.kubectl("set", "env", "deployment/rider", "PGHOST-", "PGUSER-", "PGPASSWORD-")
		f.rollout("deployment/rider")
		f.eventually("the session with the shared login has ended", func() bool { return shared() == "" })
	})
}

// boundSession is a Deployment that holds one session open with the variables of its binding.
func boundSession(name string) *appsv1.Deployment {
	return deployment(name, func(spec *corev1.PodSpec) {
		spec.TerminationGracePeriodSeconds = new(int64)
		spec.Containers[0].Image = databaseImage
		spec.Containers[0].Command = []string{"sh", "-c", `while :; do
			sleep 600 | PGPASSWORD=$POSTGRES_PASSWORD psql --host="$POSTGRES_HOST" --username="$POSTGRES_USERNAME" --dbname=shop; sleep 1
		done`}
	})
}

// makeLogins creates roles, and a Secret with the login of each.
func (f *fixture) makeLogins() {
	for name, role := range map[string]string{"super": "boss", "shared": "shared", "alone": "alone", "quiet": "quiet"} {
		f.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, StringData: map[string]string{
			"POSTGRES_HOST": "pg", "POSTGRES_USERNAME": role, "POSTGRES_PASSWORD": "UaGu5chu"}})
		attribute := "NOSUPERUSER"
		if role == "boss" {
			attribute = "SUPERUSER"
		}
		f.sqlIn("pg", "CREATE ROLE "+role+" LOGIN "+attribute+" PASSWORD 'UaGu5chu'")
	}
}
