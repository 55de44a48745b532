package droprole

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

// server is a server with roles that have sessions. Each count of a role returns its next number, and then the last one.
type server struct {
	t        *testing.T
	sessions map[string][]int // by role
	holdings postgres.Holdings
	failures map[string]error // by request, or by request and role
	drops    []string         // statements that a drop reports
	oid      int64            // of the expected roles; 0: unknown
	did      []string         // requests, each of all its roles
}

// do records a request and returns the error of each role.
func (s *server) do(what string, roles []postgres.LoginRole) []error {
	require.NotEmpty(s.t, roles, "%s has roles", what)
	s.did = append(s.did, what)
	var errs []error
	for _, role := range roles {
		assert.Equal(s.t, "abc", role.Owner.ID)
		assert.Equal(s.t, s.oid, role.Owner.OID)
		errs = append(errs, errors.Join(s.failures[what], s.failures[what+" "+role.Name]))
	}
	return errs
}

func (s *server) change(what string, roles []postgres.LoginRole) []postgres.Change {
	var changes []postgres.Change
	for _, err := range s.do(what, roles) {
		changes = append(changes, postgres.Change{Err: err})
	}
	return changes
}

func (s *server) Holdings(_ context.Context, roles []postgres.LoginRole) []postgres.Found {
	var found []postgres.Found
	for _, err := range s.do("look", roles) {
		found = append(found, postgres.Found{Holdings: &s.holdings, Err: err})
	}
	return found
}

func (s *server) Disable(_ context.Context, roles []postgres.LoginRole) []postgres.Change {
	return s.change("disable", roles)
}

func (s *server) Sessions(_ context.Context, roles []postgres.LoginRole) []postgres.Count {
	var counts []postgres.Count
	for i, err := range s.do("count", roles) {
		left := s.sessions[roles[i].Name]
		counts = append(counts, postgres.Count{Sessions: left[0], Err: err})
		s.sessions[roles[i].Name] = left[min(1, len(left)-1):]
	}
	return counts
}

func (s *server) EndSessions(_ context.Context, roles []postgres.LoginRole) []postgres.Change {
	return s.change("end", roles)
}

func (s *server) Drop(_ context.Context, roles []postgres.HeldRole) []postgres.Change {
	var changes []postgres.Change
	for _, role := range roles {
		assert.Equal(s.t, []postgres.HeldDatabase{{Name: "shop", Open: true}}, role.Databases)
		change := s.change("drop", []postgres.LoginRole{role.LoginRole})[0]
		change.Did = s.drops
		changes = append(changes, change)
	}
	return changes
}

// messages records the messages for the user.
type messages struct{ lines []string }

func (*messages) Done(string, string) {}
func (*messages) Show(string)         {}
func (s *messages) Step(format string, args ...any) {
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}
func (s *messages) Detail(format string, args ...any) { s.Step(format, args...) }
func (s *messages) Warn(format string, args ...any) {
	s.lines = append(s.lines, "warning: "+fmt.Sprintf(format, args...))
}

func retirer(t *testing.T, s *server) (*Retirer, *messages) {
	t.Helper()
	s.t = t
	reported := &messages{}
	return &Retirer{Roles: s, Report: reported, Grace: 3 * time.Second}, reported
}

var owner = postgres.Owner{ID: "abc"}

func role(name string) *Role { return RoleOf(owner, nil, name) }

func named() []postgres.LoginRole { return []postgres.LoginRole{{Owner: owner, Name: "pgb_abc_1"}} }

func TestLockOut_EndsSessions(t *testing.T) {
	broken := errors.New("broken")
	tests := map[string]struct {
		sessions []int
		failures map[string]error
		did      []string
		took     time.Duration
		err      string
	}{
		"no sessions":  {[]int{0}, nil, []string{"disable", "count"}, 0, ""},
		"sessions end": {[]int{2, 1, 0}, nil, []string{"disable", "count", "count", "count"}, 2 * time.Second, ""},
		"sessions are terminated": {
			[]int{2, 2, 2, 2, 2, 0},
			nil,
			[]string{"disable", "count", "count", "count", "count", "end", "count", "count"},
			4 * time.Second,
			"",
		},
		"sessions do not end": {
			[]int{1},
			nil,
			nil,
			18 * time.Second,
			`1 session of role "pgb_abc_1" did not end: find them in pg_stat_activity`,
		},
		"disabling fails": {
			[]int{1},
			map[string]error{"disable": broken},
			[]string{"disable"},
			0,
			`disable the login of role "pgb_abc_1": broken`,
		},
		"counting fails": {
			[]int{1},
			map[string]error{"count": broken},
			[]string{"disable", "count"},
			0,
			`count the sessions of role "pgb_abc_1": broken`,
		},
		"terminating fails": {
			[]int{1},
			map[string]error{"end": broken},
			nil,
			3 * time.Second,
			`terminate the sessions of role "pgb_abc_1": broken`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{sessions: map[string][]int{"pgb_abc_1": test.sessions}, failures: test.failures}
				r, _ := retirer(t, s)
				start, one := time.Now(), role("pgb_abc_1")
				r.LockOut(t.Context(), []*Role{one})
				assert.Equal(t, test.took, time.Since(start))
				if test.err != "" {
					require.EqualError(t, one.Err, test.err)
				} else {
					require.NoError(t, one.Err)
				}
				if test.did != nil {
					assert.Equal(t, test.did, s.did)
				}
			})
		})
	}
}

func TestLockOut_WaitsForAllRolesTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{
			sessions: map[string][]int{"quick": {1, 0}, "slow": {2}, "idle": {0}, "refused": {9}},
			failures: map[string]error{"disable refused": postgres.ErrStandby},
		}
		r, reported := retirer(t, s)
		start, roles := time.Now(), []*Role{role("refused"), role("quick"), role("slow"), role("idle")}
		s.failures["end slow"] = errors.New("broken")
		r.LockOut(t.Context(), roles)
		assert.Equal(t, r.Grace, time.Since(start), "the grace period is the same for all")
		assert.Equal(t, []string{"disable", "count", "count", "count", "count", "end"}, s.did)
		require.ErrorIs(t, roles[0].Err, postgres.ErrStandby)
		require.NoError(t, roles[1].Err)
		require.ErrorContains(t, roles[2].Err, "broken")
		require.NoError(t, roles[3].Err)
		assert.Equal(t, []string{
			"waiting up to 3s for 3 sessions of 2 roles",
			"waiting up to 2s for 2 sessions of role slow",
			"terminating 2 sessions of role slow",
		}, reported.lines)
	})
}

func TestRoleOf_IdentifiesRoleByOID(t *testing.T) {
	s := &server{sessions: map[string][]int{"pgb_abc_1": {0}}, oid: 20001, holdings: postgres.Holdings{
		Databases: []postgres.HeldDatabase{{Name: "shop", Open: true}},
		Roles:     []postgres.RoleDependencies{{Role: "pgb_abc_0", OID: 20000}, {Role: "pgb_abc_1", OID: 20001}},
	}}
	r, _ := retirer(t, s)
	roles := []*Role{RoleOf(owner, &s.holdings, "pgb_abc_1")}
	r.LockOut(t.Context(), roles)
	r.Drop(t.Context(), roles)
	require.NoError(t, roles[0].Err)
	assert.Equal(t, []string{"disable", "count", "drop"}, s.did)
}

func TestAwaitSessions_ReportsContextEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, reported := retirer(t, &server{sessions: map[string][]int{"pgb_abc_1": {3, 3, 2}}})
		ctx, cancel := context.WithTimeoutCause(t.Context(), 2500*time.Millisecond, errors.New("interrupted"))
		defer cancel()
		one := role("pgb_abc_1")
		assert.Empty(t, r.AwaitSessions(ctx, []*Role{one}, time.Minute))
		require.EqualError(t, one.Err, `wait for the sessions of role "pgb_abc_1" to end: interrupted`)
		assert.Equal(t, 2, one.Sessions)
		assert.Equal(t, []string{
			"waiting up to 1m0s for 3 sessions of role pgb_abc_1", "waiting up to 58s for 2 sessions of role pgb_abc_1",
		}, reported.lines)
	})
}

func TestDrop_ReportsStatements(t *testing.T) {
	for name, test := range map[string]struct{ failure, want error }{
		"done":   {nil, nil},
		"failed": {postgres.ErrStandby, postgres.ErrStandby},
	} {
		t.Run(name, func(t *testing.T) {
			r, reported := retirer(
				t,
				&server{
					drops:    []string{"DROP OWNED BY pgb_abc_1 RESTRICT (in database shop)"},
					failures: map[string]error{"drop": test.failure},
				},
			)
			one := role("pgb_abc_1")
			one.Databases = []postgres.HeldDatabase{{Name: "shop", Open: true}}
			r.Drop(t.Context(), []*Role{one})
			require.ErrorIs(t, one.Err, test.want)
			assert.Equal(
				t, []string{"DROP OWNED BY pgb_abc_1 RESTRICT (in database shop)"}, reported.lines,
				"the statements are reported, even with an error",
			)
		})
	}
}

func TestSurvey_ReportsDependencies(t *testing.T) {
	r, reported := retirer(t, &server{holdings: postgres.Holdings{
		Databases: []postgres.HeldDatabase{{Name: "shop", Open: true}},
		Roles: []postgres.RoleDependencies{
			{
				Role:     "pgb_abc_1",
				NewOwner: "pgbind_shop",
				Sessions: []postgres.Sessions{{Database: "shop", State: "idle", Count: 2}},
				Objects: []postgres.Objects{
					{Database: "shop", Owned: 2, Owns: []string{"table a", "table b"}, Loses: []string{"SELECT on table c"}},
					{Database: "empty"},
				},
			},
		},
	}})
	found := r.Survey(t.Context(), named())
	require.NoError(t, found[0].Err)
	assert.Len(t, found[0].Holdings.Roles, 1)
	assert.Equal(t, []string{
		"in database shop, reassigning 2 objects of role pgb_abc_1 to role pgbind_shop: table a, table b",
		"warning: in database shop, privileges of role pgb_abc_1 are lost: SELECT on table c",
		"role pgb_abc_1 has 2 sessions in database shop (idle)",
	}, reported.lines)
}

func TestDrop_NamesEveryObstacle(t *testing.T) {
	s := &server{holdings: postgres.Holdings{
		Databases: []postgres.HeldDatabase{{Name: "shut"}},
		Roles: []postgres.RoleDependencies{{
			Role: "pgb_abc_1", Members: []string{"a", "b"}, Prepared: []postgres.Prepared{{Name: "x", Database: "shop"}},
			Objects: []postgres.Objects{{Database: "shop", Definers: []string{"f()"}}},
		}},
	}}
	r, reported := retirer(t, s)
	found := r.Survey(t.Context(), named())
	require.NoError(t, found[0].Err)
	assert.Equal(t, []string{
		"warning: in database shop, these functions still run with the privileges of role pgb_abc_1 or its access role for everyone who can execute them: f(); to change that: ALTER FUNCTION … SECURITY INVOKER",
		"warning: role pgb_abc_1 has members, which lose its privileges: a, b",
	}, reported.lines[:2])
	assert.Contains(t, reported.lines[2], "warning: role pgb_abc_1 can be disabled but not dropped: database \"shut\"")
	one := RoleOf(owner, found[0].Holdings, "pgb_abc_1")
	r.Drop(t.Context(), []*Role{one})
	for _, wayOut := range []string{"can no longer log in", `ALTER DATABASE "shut" ALLOW_CONNECTIONS true`, "ROLLBACK PREPARED"} {
		require.ErrorContains(t, one.Err, wayOut)
	}
	assert.NotContains(t, s.did, "drop")
	failing, _ := retirer(t, &server{failures: map[string]error{"look": postgres.ErrStandby}})
	require.ErrorIs(t, failing.Survey(t.Context(), named())[0].Err, postgres.ErrStandby)
}
