//go:build e2e

package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

// surveyed is the expected answer for each role and database.
const surveyed = `
CREATE TABLE public.orders(id serial PRIMARY KEY);
CREATE VIEW public.latest AS SELECT * FROM public.orders`

// TestSurveySQL tests the SQL with which check surveys a server, on every server version of the cluster.
func TestSurveySQL(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	for _, version := range serverVersions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			f := f.in(t)
			server := f.server(version)
			ip, err := f.Kubectl("get", "pod", "postgres-"+version, "--output=jsonpath={.status.podIP}").Output(f.ctx)
			require.NoError(t, err)
			testSurveySQL(server, ip, version)
		})
	}
}

func testSurveySQL(s *sqlServer, ip, version string) {
	var questions []postgres.Question
	for _, database := range []string{"app", "other"} {
		s.sql("postgres", "CREATE DATABASE "+database)
		s.sql(database, surveyed)
		for _, level := range postgres.Levels() {
			questions = append(questions, s.bound(database, level, string(level), ip))
		}
	}
	for _, name := range []string{"shares", "withholds"} {
		questions = append(questions, s.bound("app", postgres.ReadWrite, name, ip))
	}
	s.Database = "postgres"

	found, err := s.Survey(s.ctx, questions, true)
	require.NoError(s.t, err)
	for i, q := range questions {
		role, answer := found.Roles[q.Role], found.Answers[i]
		assert.Equal(s.t, postgres.Owner{ID: q.Role, Run: "r", Namespace: "shop", NamespaceUID: "uid"}, role.Owner)
		assert.Equal(s.t, []string{q.Access.Role()}, role.MemberOf)
		assert.True(s.t, role.CanLogin && !role.Privileged && !role.Expired)
		assert.Empty(s.t, answer.Lacks)
		assert.Empty(s.t, answer.Exceeds)
		assert.True(s.t, answer.Login.Tried)
		assert.Empty(s.t, answer.Login.Failure)
		assert.Equal(s.t, ip, answer.Login.Reached)
		if version >= "16" {
			assert.Contains(s.t, answer.Login.Method, "scram-sha-256")
		}
	}
	assert.False(s.t, found.Trust, "without a password it is refused")
	assert.Subset(s.t, found.Databases, []string{"app", "other", "postgres"})
	surveyFindsDamage(s, questions)
}

// surveyFindsDamage damages the roles in several ways, and surveys again after each.
func surveyFindsDamage(s *sqlServer, questions []postgres.Question) {
	all, readwrite, readonly, shares, withholds := questions[0], questions[1], questions[2], questions[6], questions[7]
	s.sql("app", "GRANT TRIGGER ON orders TO "+all.Role)
	s.sql("app", "GRANT CREATE ON SCHEMA public TO "+readonly.Access.Role()+"; GRANT UPDATE ON orders, orders_id_seq TO "+readonly.Role)
	s.sql(
		"app",
		"REVOKE DELETE ON orders FROM "+readwrite.Access.Role()+"; ALTER ROLE "+readwrite.Role+" CREATEDB VALID UNTIL '2020-01-01Z'",
	)
	s.sql(
		"app",
		"GRANT DELETE, TRIGGER ON orders TO "+withholds.Role+"; ALTER ROLE "+withholds.Role+" NOINHERIT; REVOKE "+withholds.Access.Role()+" FROM "+withholds.Role,
	)
	questions[2].Login.Password = "wrong"
	questions[3].Access.Database = "gone"
	questions[4].Role = "nobody"

	found, err := s.Survey(s.ctx, questions, false)
	require.NoError(s.t, err)
	answers := found.Answers
	assert.Equal(s.t, []string{"REVOKE TRIGGER ON TABLE public.orders FROM " + all.Role}, answers[0].Exceeds)
	assert.Equal(s.t, []string{"DELETE on table public.orders"}, answers[1].Lacks)
	assert.True(s.t, found.Roles[readwrite.Role].Privileged && found.Roles[readwrite.Role].Expired)
	assert.Equal(s.t, 2020, found.Roles[readwrite.Role].ValidUntil.UTC().Year())
	assert.Contains(s.t, answers[1].Login.Failure, "password authentication failed", "the role has expired")
	assert.Equal(s.t, []string{
		"REVOKE CREATE ON SCHEMA public FROM " + readonly.Access.Role(),
		"REVOKE UPDATE ON SEQUENCE public.orders_id_seq FROM " + readonly.Role,
		"REVOKE UPDATE ON TABLE public.orders FROM " + readonly.Role,
	}, answers[2].Exceeds)
	assert.Contains(s.t, answers[2].Login.Failure, "password authentication failed")
	assert.Contains(s.t, answers[3].Login.Failure, "gone")
	assert.Empty(s.t, answers[4].Lacks, "the role is gone")
	assert.True(s.t, answers[5].Login.Tried, "after all that failed before it")
	assert.Empty(s.t, answers[5].Login.Failure)
	assert.Equal(s.t, answers[1].Lacks, answers[6].Lacks, "what an access role lacks, each of its login roles lacks")
	assert.Empty(s.t, answers[6].Exceeds, "role %s has no grants of its own", shares.Role)
	assert.Equal(s.t, []string{"REVOKE TRIGGER ON TABLE public.orders FROM " + withholds.Role}, answers[7].Exceeds)
	assert.Contains(s.t, answers[7].Lacks, "SELECT on table public.orders", "the role is no member of its access role")
	assert.NotContains(s.t, answers[7].Lacks, "DELETE on table public.orders")
}

// bound creates a role in the database and returns the request about it.
func (s *sqlServer) bound(database string, level postgres.Level, name, ip string) postgres.Question {
	s.t.Helper()
	role := "pgb_" + database + "_" + name
	access := postgres.Access{Database: database, Schemas: []string{"public"}, Level: level}
	login := postgres.Login{Password: "of-" + role, Set: true, Host: ip, HostComplete: true, Port: 5432}
	s.Database = database
	owner := postgres.Owner{ID: role, Run: "r", Namespace: "shop", NamespaceUID: "uid"}
	creation := s.CreateAll(s.ctx, []postgres.Request{{Role: postgres.RoleSpec{Name: role, Owner: owner, Access: access}, Login: login}})[0]
	require.NoError(s.t, creation.Err)
	return postgres.Question{Role: role, Access: access, Login: login}
}
