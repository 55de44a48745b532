//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// TestAdministratorWhoIsNoSuperuser runs all commands as a role that can create roles and owns the database, and nothing more.
func TestAdministratorWhoIsNoSuperuser(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"13", "15", "17", "18"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			newLesson(t, harness.WithoutClaim, harness.Version(version)).testAdministratorWhoIsNoSuperuser()
		})
	}
}

func (f *fixture) testAdministratorWhoIsNoSuperuser() {
	t := f.t
	f.admin("ALTER SYSTEM SET log_statement TO ddl")
	f.admin("SELECT pg_reload_conf()")
	f.admin("CREATE ROLE boss CREATEROLE LOGIN; CREATE DATABASE shop OWNER boss")
	f.admin("\\connect shop\nALTER SCHEMA public OWNER TO boss")
	f.idle("web")
	by := func(args ...string) harness.Result { return f.bind(append(args, "--admin-user=boss")...) }

	bound := by("deployment/web", "--dbname=shop")
	assert.NotContains(t, bound.Stderr, "still lacks")
	assert.Contains(t, bound.Stderr, "verified")
	assert.Contains(t, by("deployment/web", "--dbname=shop").Stdout, "deployment.apps/web unchanged")
	f.as(firstSecret, "\\connect shop\nCREATE TABLE orders(id int)")
	assert.Zero(t, f.run(f.Pgbind("check", "deployment/web", "--admin-user=boss")).Code)

	former := f.login(firstSecret).Username
	rotated := by("rotate", "deployment/web", "--grace=1s")
	assert.Contains(t, rotated.Stdout, "role/"+former+" dropped")
	f.as(firstSecret, "\\connect shop\nINSERT INTO orders VALUES (1); ALTER TABLE orders ADD note text")

	by("unbind", "deployment/web", "--grace=0s")
	assert.Equal(t, "0", f.admin("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'pgb\\_%'"))
	assert.Equal(t, "1", f.admin("\\connect shop\nSELECT count(*) FROM orders"))

	log := f.kubectl("logs", lesson.DatabasePod, "--container="+lesson.Container)
	assert.Contains(t, log, `statement: CREATE ROLE "pgbind_`)
	assert.NotRegexp(t, `statement: CREATE ROLE "pgbind_.* (NO)?(SUPERUSER|BYPASSRLS|REPLICATION)`, log, "only createuser names attributes")
	assert.NotRegexp(t, `statement: ALTER ROLE .* (NO)?(SUPERUSER|BYPASSRLS|REPLICATION)`, log)
}

// TestTwoAdministrators has two roles that can create roles on a server where the creator of a role alone administers it, and a superuser.
func TestTwoAdministrators(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim, harness.Version("17"))
	f.admin(
		"CREATE ROLE maker CREATEROLE LOGIN; CREATE ROLE keeper CREATEROLE LOGIN; CREATE DATABASE shop OWNER maker; CREATE DATABASE orders OWNER keeper",
	)
	f.admin("\\connect shop\nALTER SCHEMA public OWNER TO maker")
	f.admin("\\connect orders\nALTER SCHEMA public OWNER TO keeper")
	f.idle("one", "other", "two", "hand")
	bind := func(workload, database, admin string) []string {
		return []string{
			"deployment/" + workload,
			"--dbname=" + database,
			"--secret=" + workload + "-" + database,
			"--wait=false",
			"--admin-user=" + admin,
		}
	}
	f.bind(bind("one", "shop", "maker")...)
	f.bind(bind("other", "orders", "keeper")...)

	for _, test := range []struct{ workload, database, admin, needed string }{
		{"two", "shop", "keeper", "maker"}, {"two", "orders", "maker", "keeper"}, {"one", "shop", "keeper", "maker"},
	} {
		refused := f.run(f.Pgbind(bind(test.workload, test.database, test.admin)...))
		assert.Equal(t, 1, refused.Code, refused.Stderr)
		assert.Contains(t, refused.Stderr, "--admin-user="+test.needed)
		assert.NotContains(t, refused.Stderr, "drop it")
	}

	f.bind(bind("two", "shop", "postgres")...)
	f.bind(bind("one", "shop", "postgres")...)
	f.as("two-shop", "\\connect shop\nCREATE TABLE orders(id int)")
	f.as("one-shop", "\\connect shop\nINSERT INTO orders VALUES (1)")
	assert.Zero(t, f.run(f.Pgbind("check")).Code)
	login := f.login("one-shop").Username
	f.admin("SET ROLE maker; CREATE ROLE " + strings.TrimSuffix(login, "1") + "2")
	f.bind("rotate", "deployment/one", "--grace=0s", "--admin-user=postgres")
	f.as("one-shop", "\\connect shop\nINSERT INTO orders VALUES (2)")
	f.bind("unbind", "deployment/one", "--grace=0s", "--purge", "--admin-user=postgres")
	assert.Equal(t, "0", f.admin("SELECT count(*) FROM pg_roles WHERE rolname LIKE '"+strings.TrimSuffix(login, "1")+"%'"))

	f.adoptsWhatAnotherAdministratorMade()
	f.refusesOtherHolders()
}

// adoptsWhatAnotherAdministratorMade has the superuser adopt a login that another administrator created by hand.
func (f *fixture) adoptsWhatAnotherAdministratorMade() {
	f.t.Helper()
	f.admin("SET ROLE maker; CREATE ROLE hand LOGIN PASSWORD 'by-hand'; GRANT CONNECT ON DATABASE shop TO hand")
	f.kubectl("create", "secret", "generic", "hand", "--from-literal=POSTGRES_HOST=postgresql-svc."+f.Name+".svc.cluster.local",
		"--from-literal=POSTGRES_USERNAME=hand", "--from-literal=POSTGRES_PASSWORD=by-hand")
	f.bind("deployment/hand", "--adopt", "--secret=hand", "--username=hand", "--inject=none", "--dbname=shop", "--admin-user=postgres")
	f.as("hand", "\\connect shop\nSELECT count(*) FROM orders")
}

// refusesOtherHolders has a role that is no administrator administer a login. It could change the password of that login at any time.
func (f *fixture) refusesOtherHolders() {
	f.t.Helper()
	f.admin("CREATE ROLE accomplice LOGIN; GRANT " + f.login("two-shop").Username + " TO accomplice WITH ADMIN OPTION")
	refused := f.run(f.Pgbind("rotate", "deployment/two", "--in-place", "--admin-user=postgres"))
	assert.Equal(f.t, 1, refused.Code, refused.Stderr)
	assert.Contains(f.t, refused.Stderr, "REVOKE ADMIN OPTION FOR")
	assert.Contains(f.t, refused.Stderr, "accomplice")
	assert.NotContains(f.t, refused.Stderr, "drop it")
}
