package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

const (
	finished    = `pgbind {"end": "pgbind"}` + "\n"
	foreignRole = `pgbind {"refused": {"role": "pgb_abc_1", "verdict": "foreign"}}` + "\n"
)

func psqlSays(lines ...string) answer {
	return answer{program: "psql", stdout: strings.Join(lines, "")}
}

// about begins what a session reports about an item.
func about(i int) string { return fmt.Sprintf("pgbind {\"about\": %d}\n", i) }

func did(statement string) string { return fmt.Sprintf("pgbind {\"did\": %q}\n", statement) }

func boundRole() LoginRole { return LoginRole{Owner: testBinding().Owner, Name: "pgb_abc_1"} }

// boundRoles are login roles of as many bindings.
func boundRoles(number int) []LoginRole {
	var roles []LoginRole
	for i := range number {
		roles = append(roles, LoginRole{Owner: Owner{ID: fmt.Sprintf("id%d", i), Namespace: "ns"}, Name: fmt.Sprintf("pgb_%d_1", i)})
	}
	return roles
}

// failed is a psql that ends with an error of the server.
func failed(stderr string, lines ...string) answer {
	return answer{program: "psql", stdout: primary + strings.Join(lines, ""), stderr: stderr, err: &podexec.ExitError{Code: 3}}
}

func TestHoldings(t *testing.T) {
	server, c := serverWith(t,
		psqlSays(
			primary,
			about(0),
			`pgbind {"held": {"roles": ["pgb_abc_1"], "databases": [{"name": "closed", "open": false}, {"name": "shop=x", "open": true}]}}`+"\n",
			about(1),
			`pgbind {"held": {"roles": null, "databases": null}}`+"\n",
			about(2),
			`pgbind {"held": {"roles": ["pgb_2_1", "pgb_2_2"], "databases": [{"name": "shop=x", "open": true}]}}`+"\n",
			finished,
		),
		psqlSays(
			primary,
			about(0),
			`pgbind {"holder": {"role": "pgb_abc_1", "newOwner": "h", "canLogin": true, "members": null}}`+"\n",
			about(1),
			`pgbind {"holder": {"role": "pgb_2_1"}}`+"\n",
			`pgbind {"holder": {"role": "pgb_2_2"}}`+"\n",
			about(0),
			about(1),
			about(0),
			`pgbind {"objects": {"role": "pgb_abc_1", "database": "shop=x", "owned": 1, "owns": ["table t"]}}`+"\n",
			about(1),
			`pgbind {"objects": {"role": "pgb_2_2", "database": "shop=x", "owned": 2}}`+"\n",
			finished,
		))
	roles := boundRoles(3)
	roles[0] = boundRole()
	found := server.Holdings(t.Context(), roles)
	assert.Equal(t, []Found{
		{Holdings: &Holdings{
			Databases: []HeldDatabase{{Name: "closed"}, {Name: "shop=x", Open: true}},
			Roles: []RoleDependencies{{Role: "pgb_abc_1", NewOwner: "h", CanLogin: true, Objects: []Objects{
				{Role: "pgb_abc_1", Database: "shop=x", Owned: 1, Owns: []string{"table t"}},
			}}},
		}},
		{Holdings: &Holdings{}},
		{Holdings: &Holdings{
			Databases: []HeldDatabase{{Name: "shop=x", Open: true}},
			Roles: []RoleDependencies{
				{Role: "pgb_2_1", Objects: []Objects{}},
				{Role: "pgb_2_2", Objects: []Objects{{Role: "pgb_2_2", Database: "shop=x", Owned: 2}}},
			},
		}},
	}, found)
	assert.Equal(
		t, 1, strings.Count(c.stdin[1], quote("dbname='shop=x'")),
		"the name is no connection string, and the database is entered once",
	)
	assert.NotContains(t, c.stdin[1], quote("dbname='closed'"))
}

func TestHoldings_NeedsOneExecIfNoRoleExists(t *testing.T) {
	server, _ := serverWith(t, psqlSays(primary, about(0), `pgbind {"held": {"roles": null, "databases": null}}`+"\n", finished))
	found := server.Holdings(t.Context(), []LoginRole{boundRole()})
	require.NoError(t, found[0].Err)
	assert.Empty(t, found[0].Holdings.Roles)
}

func TestHoldings_RequiresTheReport(t *testing.T) {
	server, _ := serverWith(t, psqlSays(primary, about(0), finished))
	require.ErrorContains(t, server.Holdings(t.Context(), []LoginRole{boundRole()})[0].Err, "did not report which roles exist")
}

func TestDropOutcomes(t *testing.T) {
	cut := psqlSays(primary)
	timeout := failed("psql:<stdin>:9: ERROR:  55P03: canceling\n", about(0))
	unblocked := psqlSays(primary, about(0), about(0), finished)
	blamed := psqlSays(primary, `pgbind {"found": {"role": false, "createsRole": true}}`+"\n", holder, `pgbind {"end": "inspect"}`)
	blocked := `pgbind {"unfinished": [{"statement": "ALTER TABLE t OWNER TO h", "blockers": ["process 9 of user web (migration), idle in transaction, since 1"]}]}` + "\n"
	tests := map[string]struct {
		answers []answer
		did     []string
		err     string
	}{
		"complete":       {answers: []answer{psqlSays(primary, about(0), did("DROP ROLE x"), finished)}, did: []string{"DROP ROLE x"}},
		"cut once":       {answers: []answer{cut, psqlSays(primary, about(0), finished)}},
		"cut every time": {answers: []answer{cut, cut, cut}, err: "truncated output"},
		"a deadlock": {
			answers: []answer{
				failed("psql:<stdin>:9: ERROR:  40P01: deadlock detected\n", about(0), did("one")),
				psqlSays(primary, about(0), did("two"), finished),
			},
			did: []string{"one", "two"},
		},
		"always a deadlock": {
			answers: slices.Repeat([]answer{failed("psql:<stdin>:9: ERROR:  40P01: deadlock detected\n", about(0))}, 3),
			err:     "40P01",
		},
		"a lock on roles": {answers: []answer{timeout, unblocked, blamed}, err: "process 7 of user boss (migration) holds the lock"},
		"a lock on a table": {
			answers: []answer{timeout, psqlSays(primary, about(0), about(0), blocked, finished)},
			err:     "ALTER TABLE t OWNER TO h (waits for process 9 of user web (migration), idle in transaction, since 1): wait until",
		},
		"a standby":        {answers: []answer{psqlSays(standby)}, err: ErrStandby.Error()},
		"a role of others": {answers: []answer{psqlSays(primary, about(0), foreignRole)}, err: "does not belong to this binding"},
		"a closed database": {
			answers: []answer{
				{program: "psql", stdout: primary + about(0), stderr: "psql: error: \\connect: no entry", err: &podexec.ExitError{Code: 3}},
			},
			err: "no entry",
		},
		"a broken connection": {answers: []answer{{program: "psql", stdout: primary + about(0), err: errors.New("reset")}}, err: "reset"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server, _ := serverWith(t, test.answers...)
			change := server.Drop(t.Context(), []HeldRole{{LoginRole: boundRole(), Databases: []HeldDatabase{{Name: "shop", Open: true}}}})[0]
			assert.Equal(t, test.did, change.Did)
			if test.err == "" {
				require.NoError(t, change.Err)
			} else {
				require.ErrorContains(t, change.Err, test.err)
			}
		})
	}
}

func TestDrop_EntersEachDatabaseOnce(t *testing.T) {
	server, c := serverWith(t, psqlSays(primary, finished))
	var roles []HeldRole
	for _, role := range boundRoles(3) {
		roles = append(roles, HeldRole{role, []HeldDatabase{{Name: "postgres", Open: true}, {Name: "shop", Open: true}, {Name: "closed"}}})
	}
	for _, change := range server.Drop(t.Context(), roles) {
		require.NoError(t, change.Err)
	}
	assert.Equal(t, 1, strings.Count(c.stdin[0], quote("dbname='shop'")))
	assert.NotContains(t, c.stdin[0], quote("dbname='closed'"))
	assert.Equal(t, 6, strings.Count(c.stdin[0], "REASSIGN OWNED BY %I"), "each role in each database")
	assert.Equal(t, 3, strings.Count(c.stdin[0], "DROP ROLE :\"subject\""))
}

// TestForEach_ContinuesWithoutTheItemThatFails uses Disable, whose items have one part each.
func TestForEach_ContinuesWithoutTheItemThatFails(t *testing.T) {
	refused := `pgbind {"refused": {"role": "pgb_1_1", "verdict": "foreign"}}` + "\n"
	reset := answer{program: "psql", stdout: primary + about(0) + about(1), err: errors.New("reset")}
	deadlock := failed("psql:<stdin>:9: ERROR:  40P01: deadlock detected\n", about(0), about(1))
	tests := map[string]struct {
		answers []answer
		errs    map[int]string
		runs    []int // how often each role was named
	}{
		"refused": {
			[]answer{psqlSays(primary, about(0), about(1), refused), psqlSays(primary, about(2), about(3), finished)},
			map[int]string{1: "does not belong to this binding"},
			[]int{1, 1, 2, 2},
		},
		"an error": {
			[]answer{failed("psql:<stdin>:9: ERROR:  42501: no\n", about(0), about(1)), psqlSays(primary, about(2), about(3), finished)},
			map[int]string{1: "42501"},
			[]int{1, 1, 2, 2},
		},
		"a deadlock": {[]answer{deadlock, psqlSays(primary, about(1), about(2), about(3), finished)}, nil, []int{1, 2, 2, 2}},
		"output that was cut": {
			[]answer{psqlSays(primary, about(0), about(1)), psqlSays(primary, about(1), about(2), about(3), finished)},
			nil,
			[]int{1, 2, 2, 2},
		},
		"a broken connection": {[]answer{reset}, map[int]string{1: "reset", 2: "reset", 3: "reset"}, nil},
		"a standby": {
			[]answer{psqlSays(standby)},
			map[int]string{0: "standby", 1: "standby", 2: "standby", 3: "standby"},
			[]int{1, 1, 1, 1},
		},
		"two errors": {
			[]answer{
				failed("psql:<stdin>:9: ERROR:  42501: no\n", about(0)),
				failed("psql:<stdin>:9: ERROR:  42501: no\n", about(1), about(2), about(3)),
			},
			map[int]string{0: "42501", 3: "42501"},
			[]int{1, 2, 2, 2},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, c := serverWith(t, test.answers...)
				for i, change := range server.Disable(t.Context(), boundRoles(4)) {
					if want := test.errs[i]; want != "" {
						require.ErrorContains(t, change.Err, want, i)
					} else {
						require.NoError(t, change.Err, i)
					}
				}
				for i, runs := range test.runs {
					assert.Equal(t, runs, strings.Count(strings.Join(c.stdin, ""), quote(fmt.Sprintf("pgb_%d_1", i))), i)
				}
			})
		})
	}
}

func TestForEach_LimitsTheItemsOfASession(t *testing.T) {
	server, c := serverWith(t, psqlSays(primary, finished), psqlSays(primary, finished))
	changes := server.Disable(t.Context(), boundRoles(batchSize+1))
	assert.Len(t, changes, batchSize+1)
	assert.Equal(t, 1, strings.Count(c.stdin[1], "LOCK TABLE pg_catalog.pg_authid"))
}

func TestForEach_StopsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	server, _ := serverWith(t, psqlSays(primary))
	require.ErrorIs(t, server.Disable(ctx, boundRoles(2))[1].Err, errCut)
}

func TestSessions(t *testing.T) {
	server, _ := serverWith(
		t,
		psqlSays(primary, about(0), `pgbind {"sessions": 2}`+"\n", about(1), `pgbind {"sessions": 0}`+"\n", finished),
	)
	assert.Equal(t, []Count{{Sessions: 2}, {}}, server.Sessions(t.Context(), boundRoles(2)))
}

func TestRename(t *testing.T) {
	server, c := serverWith(t, psqlSays(primary, about(0), finished))
	require.NoError(t, server.Rename(t.Context(), []NewName{{boundRole(), "other"}})[0].Err)
	assert.Contains(t, c.stdin[0], "\\set kept 'other'")
}

func TestPurge_ReportsWhatStays(t *testing.T) {
	held := psqlSays(primary, about(0), `pgbind {"held": {"roles": ["a"], "databases": []}}`+"\n", about(1), foreignRole)
	heldToo := psqlSays(primary, about(2), `pgbind {"held": {"roles": ["c"], "databases": []}}`+"\n", finished)
	server, c := serverWith(t, held, heldToo,
		psqlSays(primary, about(0), `pgbind {"stays": true}`+"\n"), psqlSays(primary, about(1), about(1), did("DROP ROLE c"), finished))
	purged := server.Purge(t.Context(), []string{"a", "b", "c"})
	require.NoError(t, purged[0].Err)
	assert.True(t, purged[0].Stays)
	require.ErrorContains(t, purged[1].Err, "does not belong to this binding")
	require.NoError(t, purged[2].Err)
	assert.False(t, purged[2].Stays)
	assert.Equal(t, []string{"DROP ROLE c"}, purged[2].Did)
	assert.Contains(t, c.stdin[2], `\set leaving 'false'`, "an access role that another role administers stays")
}

func TestBindAll_SuccessorOutcomes(t *testing.T) {
	const actsAs = `pgbind {"actsAs": "ACCESS"}` + "\n"
	as := func(role string) string { return strings.ReplaceAll(actsAs, "ACCESS", role) }
	access := testBinding().Access.Role()
	tests := map[string]struct {
		answers []answer
		err     string
	}{
		"through":  {answers: []answer{psqlSays(primary, as(access), hosted, loggedIn("scram"), ended)}},
		"cut once": {answers: []answer{psqlSays(primary), psqlSays(primary, as(access), hosted, loggedIn("scram"), ended)}},
		"the former role is gone": {
			answers: []answer{psqlSays(primary, `pgbind {"gone": "pgb_abc_0"}`+"\n")},
			err:     `role "pgb_abc_0" is gone`,
		},
		"acts as another role": {
			answers: []answer{psqlSays(primary, as("pgb_abc_1"), hosted, loggedIn("scram"), ended)},
			err:     "acts as role",
		},
		"a role of others": {answers: []answer{psqlSays(primary, foreignRole)}, err: "does not belong to this binding"},
		"a setting that prevents the login": {
			answers: []answer{{program: "psql", stderr: "psql: error: no such library\n", err: &podexec.ExitError{Code: 3},
				stdout: primary + `pgbind {"copied": ["ALTER ROLE pgb_abc_0 RESET local_preload_libraries"]}` + "\n" + hosted}},
			err: "no such library; the role has the settings of the one that it replaces: if one of them prevents the login, remove it and run the command again: " +
				"ALTER ROLE pgb_abc_0 RESET local_preload_libraries",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server, c := serverWith(t, test.answers...)
			successor := RoleSpec{Name: "pgb_abc_1", Former: "pgb_abc_0", Owner: testBinding().Owner, Access: Access{Database: "postgres"}}
			err := server.BindAll(t.Context(), []Request{{successor, Login{Password: "cleartext", Set: true, Host: "h"}}})[0].Err
			assert.Equal(t, 1, strings.Count(c.stdin[0], "cleartext"), "only psql itself reads the password")
			if test.err == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, test.err)
				assert.NotContains(t, err.Error(), "cleartext")
			}
		})
	}
}

func TestLeftoverQuotesEveryName(t *testing.T) {
	text, err := Leftover(`a"; DROP TABLE x; --`, "")
	require.NoError(t, err)
	assert.Contains(t, text, `DROP ROLE "a""; DROP TABLE x; --";`)
	assert.Contains(t, text, "TO CURRENT_USER;")
}
