package check

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

func TestCheckBinding_ComparesLimitsAndSettings(t *testing.T) {
	const again = "kubectl pgbind deployment.apps/web --postgres pod/pg-0 --postgres-namespace data --dbname shop --access readonly"
	const admin = "kubectl pgbind psql --admin --postgres pod/pg-0 --postgres-namespace data --dbname shop -n ns -- -c "
	wanted := func(limit int32, f *facts) {
		f.binding.Marks.ConnectionLimit, f.role.ConnectionLimit, f.available = &limit, 3, 97
	}
	for name, test := range map[string]struct {
		change  func(f *facts)
		reason  Reason
		message string
		fix     string
	}{
		"equal limit":    {func(f *facts) { wanted(3, f) }, OK, "the login works", ""},
		"other limit":    {func(f *facts) { wanted(5, f) }, Mismatch, "has a connection limit of 3 instead of a connection limit of 5", again + " --connection-limit 5 -n ns"},
		"unwanted limit": {func(f *facts) { wanted(-1, f) }, Mismatch, "instead of no connection limit", again + " --connection-limit -1 -n ns"},
		"limit of a DBA": {func(f *facts) { f.role.ConnectionLimit = 3 }, OK, "the login works", ""},
		"more Pods than connections": {func(f *facts) {
			wanted(3, f)
			f.replicas = 4
		}, TooFewConnections, "deployment.apps/web has 4 Pods, but role", again + " --connection-limit 4 -n ns"},
		"as many Pods": {func(f *facts) {
			wanted(3, f)
			f.replicas = 3
		}, OK, "the login works", ""},
		"limit above the server": {func(f *facts) {
			wanted(3, f)
			f.available = 2
		}, Overcommitted, "the server has 2 connections for all roles", again + " --connection-limit 2 -n ns"},
		"limits above the server": {func(f *facts) { f.available, f.promised = 97, 98 }, Overcommitted, "add up to 98",
			admin + "'SELECT rolname, rolconnlimit FROM pg_catalog.pg_roles WHERE rolconnlimit > 0 ORDER BY 2 DESC'"},
		"all connections in use": {func(f *facts) {
			wanted(3, f)
			f.role.Sessions, f.answer.Login = 3, postgres.LoginAnswer{Tried: true, Failure: "FATAL: too many"}
		}, NotVerified, "all 3 connections of role", again + " --connection-limit 4 -n ns"},
		"other settings": {func(f *facts) {
			f.binding.Marks.Settings = map[string]string{"work_mem": "8MB", "search_path": "app,public", "statement_timeout": "5s"}
			f.role.Settings = map[string]map[string]string{"shop": {"search_path": `app, "public"`, "work_mem": "4MB"}, "other": {"statement_timeout": "5s"}}
		}, Mismatch, "do not begin with statement_timeout=5s, work_mem=8MB", again + " --set search_path=app,public --set statement_timeout=5s --set work_mem=8MB -n ns"},
		"setting of a DBA": {func(f *facts) { f.role.Settings = map[string]map[string]string{"shop": {"work_mem": "4MB"}} }, OK, "the login works", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := healthy()
			test.change(f)
			found := f.check()
			require.Len(t, found, 1)
			assert.Equal(t, test.reason, found[0].Reason)
			assert.Contains(t, found[0].Message, test.message)
			assert.Equal(t, test.fix, found[0].Fix.Command)
			assert.Equal(t, test.reason == OK, Findings(found).Healthy())
		})
	}
}

func TestAddLimits_ReportsTheSumOnce(t *testing.T) {
	role := func(id string, limit int) postgres.MarkedRole {
		return postgres.MarkedRole{Marked: true, CanLogin: true, ConnectionLimit: limit, Owner: postgres.Owner{ID: id}}
	}
	roles := map[string]postgres.MarkedRole{
		"a1": role(
			"a",
			20,
		),
		"a2":      role("a", 20),
		"b":       role("b", 30),
		"c":       role("c", 50),
		"d":       role("d", -1),
		"foreign": {ConnectionLimit: 500},
	}
	a, b, d := roles["a2"], roles["b"], roles["d"]
	promised := func(connections int) (sums []int) {
		s := &serverFacts{
			survey: &postgres.Survey{Roles: roles, Connections: connections},
			facts:  []*facts{{role: &a}, {role: &b}, {role: &d}, {}},
		}
		s.addLimits()
		for _, f := range s.facts {
			assert.Equal(t, connections, f.available)
			sums = append(sums, f.promised)
		}
		return sums
	}
	assert.Equal(t, []int{0, 0, 0, 0}, promised(100))
	assert.Equal(t, []int{0, 100, 0, 0}, promised(99))
	(&serverFacts{}).addLimits()
}
