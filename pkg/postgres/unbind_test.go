package postgres

import (
	"strings"
	"testing"

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

func TestHoldings(t *testing.T) {
	server, c := serverWith(t,
		psqlSays(primary, `pgbind {"held": {"roles": ["pgb_abc_1"], "databases": [{"name": "closed", "open": false}, {"name": "shop=x", "open": true}]}}`+"\n", finished),
		psqlSays(primary, `pgbind {"holder": {"role": "pgb_abc_1", "heir": "h", "canLogin": true, "members": null}}`+"\n",
			`pgbind {"objects": {"role": "pgb_abc_1", "database": "shop=x", "owned": 1, "owns": ["table t"]}}`+"\n", finished))
	found, err := server.Holdings(t.Context(), testBinding().Owner, "pgb_abc_1")
	require.NoError(t, err)
	assert.Equal(t, &Holdings{
		Databases: []HeldDatabase{{Name: "closed"}, {Name: "shop=x", Open: true}},
		Roles: []Holder{{Role: "pgb_abc_1", Heir: "h", CanLogin: true, Objects: []Objects{
			{Role: "pgb_abc_1", Database: "shop=x", Owned: 1, Owns: []string{"table t"}},
		}}},
	}, found)
	assert.Contains(t, c.stdin[1], quote("dbname='shop=x'"), "the name is no connection string")
	assert.NotContains(t, c.stdin[1], quote("dbname='closed'"))
}

func TestNoRoleHoldsNothing(t *testing.T) {
	server, _ := serverWith(t, psqlSays(primary, `pgbind {"held": {"roles": null, "databases": null}}`+"\n", finished))
	found, err := server.Holdings(t.Context(), testBinding().Owner, "pgb_abc_1")
	require.NoError(t, err)
	assert.Empty(t, found.Roles)
}

func TestDropOutcomes(t *testing.T) {
	failed := func(stderr string) answer {
		return answer{program: "psql", stdout: primary, stderr: stderr, err: &podexec.ExitError{Code: 3}}
	}
	cut := psqlSays(primary)
	blamed := psqlSays(primary, `pgbind {"found": {"role": false, "createsRole": true}}`+"\n", holder, `pgbind {"end": "inspect"}`)
	tests := map[string]struct {
		answers []answer
		did     []string
		err     string
	}{
		"through":             {answers: []answer{psqlSays(primary, `pgbind {"did": "DROP ROLE x"}`+"\n", finished)}, did: []string{"DROP ROLE x"}},
		"cut once":            {answers: []answer{cut, psqlSays(primary, finished)}},
		"cut every time":      {answers: []answer{cut, cut, cut}, err: "before it was through"},
		"a deadlock":          {answers: []answer{failed("psql:<stdin>:9: ERROR:  40P01: deadlock detected\n"), psqlSays(primary, finished)}},
		"a lock that is held": {answers: []answer{failed("psql:<stdin>:9: ERROR:  55P03: canceling\n"), blamed}, err: "process 7 of user boss (migration) holds the lock"},
		"a standby":           {answers: []answer{psqlSays(standby)}, err: ErrStandby.Error()},
		"a role of others":    {answers: []answer{psqlSays(primary, foreignRole)}, err: "not this binding's"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server, _ := serverWith(t, test.answers...)
			did, err := server.Drop(t.Context(), testBinding().Owner, "pgb_abc_1", nil)
			assert.Equal(t, test.did, did)
			if test.err == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, test.err)
			}
		})
	}
}

func TestPurgeTellsWhatStays(t *testing.T) {
	held := psqlSays(primary, `pgbind {"held": {"roles": ["a"], "databases": []}}`+"\n", finished)
	server, _ := serverWith(t, held, psqlSays(primary, `pgbind {"stays": true}`+"\n"))
	_, stays, err := server.Purge(t.Context(), "a")
	require.NoError(t, err)
	assert.True(t, stays)
}

func TestSucceedOutcomes(t *testing.T) {
	const actsAs = `pgbind {"actsAs": "ACCESS"}` + "\n"
	as := func(role string) string { return strings.ReplaceAll(actsAs, "ACCESS", role) }
	access := testBinding().Access.Role()
	tests := map[string]struct {
		answers []answer
		err     string
	}{
		"through":                 {answers: []answer{psqlSays(primary, as(access), hosted, loggedIn("scram"), ended)}},
		"cut once":                {answers: []answer{psqlSays(primary), psqlSays(primary, as(access), hosted, loggedIn("scram"), ended)}},
		"the former role is gone": {answers: []answer{psqlSays(primary, `pgbind {"gone": "pgb_abc_0"}`+"\n")}, err: `role "pgb_abc_0" is gone`},
		"acts as another role":    {answers: []answer{psqlSays(primary, as("pgb_abc_1"), hosted, loggedIn("scram"), ended)}, err: "acts as role"},
		"a role of others":        {answers: []answer{psqlSays(primary, foreignRole)}, err: "not this binding's"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server, c := serverWith(t, test.answers...)
			_, err := server.Succeed(t.Context(), Successor{Role: "pgb_abc_1", Former: "pgb_abc_0", Owner: testBinding().Owner}, Login{Password: "cleartext", Set: true, Host: "h"})
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
