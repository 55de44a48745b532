package retire

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

// server is a server with one role that has sessions. Each count returns the next number, and then the last one.
type server struct {
	t        *testing.T
	sessions []int
	holdings postgres.Holdings
	failures map[string]error // by request
	drops    []string         // statements that a drop reports
	oid      int64            // of the expected role; 0: unknown
	did      []string
}

func (s *server) do(what, role string) error {
	s.did = append(s.did, what)
	assert.Equal(s.t, "pgb_abc_1", role)
	return s.failures[what]
}

func (s *server) Holdings(_ context.Context, owner postgres.Owner, role string) (*postgres.Holdings, error) {
	assert.Equal(s.t, "abc", owner.ID)
	return &s.holdings, s.do("look", role)
}

func (s *server) Disable(_ context.Context, owner postgres.Owner, role string) error {
	assert.Equal(s.t, s.oid, owner.OID)
	assert.Equal(s.t, "abc", owner.ID)
	return s.do("disable", role)
}

func (s *server) Sessions(_ context.Context, owner postgres.Owner, role string) (int, error) {
	assert.Equal(s.t, s.oid, owner.OID)
	assert.Equal(s.t, "abc", owner.ID)
	now := s.sessions[0]
	if len(s.sessions) > 1 {
		s.sessions = s.sessions[1:]
	}
	return now, s.do("count", role)
}

func (s *server) EndSessions(_ context.Context, owner postgres.Owner, role string) error {
	assert.Equal(s.t, s.oid, owner.OID)
	assert.Equal(s.t, "abc", owner.ID)
	return s.do("end", role)
}

func (s *server) Drop(_ context.Context, owner postgres.Owner, role string, databases []postgres.HeldDatabase) ([]string, error) {
	assert.Equal(s.t, s.oid, owner.OID)
	assert.Equal(s.t, "abc", owner.ID)
	assert.Equal(s.t, []postgres.HeldDatabase{{Name: "shop", Open: true}}, databases)
	return s.drops, s.do("drop", role)
}

// messages records the messages for the user.
type messages struct{ lines []string }

func (*messages) Done(string, string) {}
func (*messages) Show(string)         {}
func (s *messages) Step(format string, args ...any) {
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}
func (s *messages) Warn(format string, args ...any) {
	s.lines = append(s.lines, "warning: "+fmt.Sprintf(format, args...))
}

func retirer(t *testing.T, s *server) (*Retirer, *messages) {
	t.Helper()
	s.t = t
	reported := &messages{}
	return &Retirer{Roles: s, Owner: postgres.Owner{ID: "abc"}, Report: reported, Grace: 3 * time.Second}, reported
}

func TestLockOut_EndsSessions(t *testing.T) {
	broken := errors.New("broken")
	tests := map[string]struct {
		server server
		did    []string
		took   time.Duration
		err    string
	}{
		"no sessions":             {server{sessions: []int{0}}, []string{"disable", "count"}, 0, ""},
		"sessions end":            {server{sessions: []int{2, 1, 0}}, []string{"disable", "count", "count", "count"}, 2 * time.Second, ""},
		"sessions are terminated": {server{sessions: []int{2, 2, 2, 2, 2, 0}}, []string{"disable", "count", "count", "count", "count", "end", "count", "count"}, 4 * time.Second, ""},
		"sessions do not end":     {server{sessions: []int{1}}, nil, 18 * time.Second, `1 sessions of role "pgb_abc_1" did not end: find them in pg_stat_activity`},
		"disabling fails":         {server{sessions: []int{1}, failures: map[string]error{"disable": broken}}, []string{"disable"}, 0, `disable the login of role "pgb_abc_1": broken`},
		"counting fails":          {server{sessions: []int{1}, failures: map[string]error{"count": broken}}, []string{"disable", "count"}, 0, `count the sessions of role "pgb_abc_1": broken`},
		"terminating fails":       {server{sessions: []int{1}, failures: map[string]error{"end": broken}}, nil, 3 * time.Second, `terminate the sessions of role "pgb_abc_1": broken`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, _ := retirer(t, &test.server)
				start := time.Now()
				err := r.LockOut(t.Context(), "pgb_abc_1")
				assert.Equal(t, test.took, time.Since(start))
				if test.err != "" {
					require.EqualError(t, err, test.err)
				} else {
					require.NoError(t, err)
				}
				if test.did != nil {
					assert.Equal(t, test.did, test.server.did)
				}
			})
		})
	}
}

func TestLockOut_IdentifiesRoleByOID(t *testing.T) {
	s := &server{sessions: []int{0}, oid: 20001, holdings: postgres.Holdings{Roles: []postgres.Holder{{Role: "pgb_abc_0", OID: 20000}, {Role: "pgb_abc_1", OID: 20001}}}}
	r, _ := retirer(t, s)
	r.Found = &s.holdings
	require.NoError(t, r.LockOut(t.Context(), "pgb_abc_1"))
	require.NoError(t, r.Drop(t.Context(), "pgb_abc_1", []postgres.HeldDatabase{{Name: "shop", Open: true}}))
}

func TestAwaitSessions_StopsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, reported := retirer(t, &server{sessions: []int{3, 3, 2}})
		ctx, cancel := context.WithTimeoutCause(t.Context(), 2500*time.Millisecond, errors.New("interrupted"))
		defer cancel()
		left, err := r.AwaitSessions(ctx, "pgb_abc_1", time.Minute)
		require.EqualError(t, err, `wait for the sessions of role "pgb_abc_1" to end: interrupted`)
		assert.Equal(t, 2, left)
		assert.Equal(t, []string{
			"waiting up to 1m0s for 3 sessions of role pgb_abc_1", "waiting up to 58s for 2 sessions of role pgb_abc_1",
		}, reported.lines)
	})
}

func TestDrop_ReportsStatements(t *testing.T) {
	held := []postgres.HeldDatabase{{Name: "shop", Open: true}}
	for name, test := range map[string]struct{ failure, want error }{
		"done":   {nil, nil},
		"failed": {postgres.ErrStandby, postgres.ErrStandby},
	} {
		t.Run(name, func(t *testing.T) {
			r, reported := retirer(t, &server{drops: []string{"DROP OWNED BY pgb_abc_1 RESTRICT (in database shop)"}, failures: map[string]error{"drop": test.failure}})
			err := r.Drop(t.Context(), "pgb_abc_1", held)
			require.ErrorIs(t, err, test.want)
			assert.Equal(t, []string{"DROP OWNED BY pgb_abc_1 RESTRICT (in database shop)"}, reported.lines, "the statements are reported, even with an error")
		})
	}
}

func TestSurvey_ReportsDependencies(t *testing.T) {
	r, reported := retirer(t, &server{holdings: postgres.Holdings{
		Databases: []postgres.HeldDatabase{{Name: "shop", Open: true}},
		Roles: []postgres.Holder{{
			Role: "pgb_abc_1", Heir: "pgbind_shop",
			Sessions: []postgres.Sessions{{Database: "shop", State: "idle", Count: 2}},
			Objects:  []postgres.Objects{{Database: "shop", Owned: 2, Owns: []string{"table a", "table b"}, Loses: []string{"SELECT on table c"}}, {Database: "empty"}},
		}},
	}})
	found, err := r.Survey(t.Context(), "pgb_abc_1")
	require.NoError(t, err)
	assert.Len(t, found.Roles, 1)
	assert.Equal(t, []string{
		"in database shop, 2 objects of role pgb_abc_1 are reassigned to role pgbind_shop: table a, table b",
		"warning: in database shop, privileges of role pgb_abc_1 are lost: SELECT on table c",
		"role pgb_abc_1 has 2 sessions in database shop (idle)",
	}, reported.lines)
}

func TestDrop_NamesEveryObstacle(t *testing.T) {
	s := &server{holdings: postgres.Holdings{
		Databases: []postgres.HeldDatabase{{Name: "shut"}},
		Roles: []postgres.Holder{{
			Role: "pgb_abc_1", Members: []string{"a", "b"}, Prepared: []postgres.Prepared{{Name: "x", Database: "shop"}},
			Objects: []postgres.Objects{{Database: "shop", Definers: []string{"f()"}}},
		}},
	}}
	r, reported := retirer(t, s)
	found, err := r.Survey(t.Context(), "pgb_abc_1")
	require.NoError(t, err)
	assert.Equal(t, []string{
		"warning: in database shop, these functions still run with the privileges of role pgb_abc_1 or its access role for everyone who can execute them: f(); to change that: ALTER FUNCTION … SECURITY INVOKER",
		"warning: role pgb_abc_1 has members, which lose its privileges: a, b",
	}, reported.lines[:2])
	assert.Contains(t, reported.lines[2], "warning: role pgb_abc_1 can be disabled but not dropped: database \"shut\"")
	err = r.Drop(t.Context(), "pgb_abc_1", found.Databases)
	for _, wayOut := range []string{"can no longer log in", `ALTER DATABASE "shut" ALLOW_CONNECTIONS true`, "ROLLBACK PREPARED"} {
		require.ErrorContains(t, err, wayOut)
	}
	assert.NotContains(t, s.did, "drop")
	failing, _ := retirer(t, &server{failures: map[string]error{"look": postgres.ErrStandby}})
	_, err = failing.Survey(t.Context(), "pgb_abc_1")
	require.ErrorIs(t, err, postgres.ErrStandby)
}
