package postgres

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

func sqlFailure(stderr string) answer {
	return answer{program: "psql", stdout: primary, stderr: "psql:<stdin>:9: FEHLER:  " + stderr + "\n", err: &podexec.ExitError{Code: 3}}
}

func TestATransactionThatLostIsRepeated(t *testing.T) {
	success := answer{program: "psql", stdout: primary + hosted + loggedIn("x") + ended}
	tests := map[string]struct {
		answers []answer
		err     string
	}{
		"once":  {answers: []answer{sqlFailure("40001: a"), success}},
		"twice": {answers: []answer{sqlFailure("40P01: a"), sqlFailure("40001: a"), success}},
		"three times": {
			answers: []answer{sqlFailure("40P01: a"), sqlFailure("40P01: a"), sqlFailure("40P01: last")},
			err:     "last",
		},
		"a role of the same name":   {answers: []answer{sqlFailure("23505: a\nTABELLENNAME:  pg_authid\nX:  y"), success}},
		"another unique constraint": {answers: []answer{sqlFailure("23505: a\nTABLE NAME:  mine")}, err: "23505"},
		"anything else":             {answers: []answer{sqlFailure("42501: a")}, err: "42501"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server, _ := serverWith(t, test.answers...)
			_, err := server.Bind(t.Context(), testBinding(), Login{Password: "x", Set: true})
			if test.err == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, test.err)
			}
		})
	}
}

const holder = `pgbind {"holders": ["process 7 of user boss (migration)"]}` + "\n"

func TestWhoHoldsTheLockIsNamed(t *testing.T) {
	facts := primary + `pgbind {"found": {"role": true, "createsRole": true}}` + "\n"
	server, _ := serverWith(t, sqlFailure("55P03: timeout"), answer{program: "psql", stdout: facts + holder + `pgbind {"end": "inspect"}`})
	_, err := server.Bind(t.Context(), testBinding(), Login{Password: "x", Set: true})
	var locked *LockedError
	require.ErrorAs(t, err, &locked)
	require.ErrorContains(t, err, "timeout (SQLSTATE 55P03): process 7 of user boss (migration) holds the lock")

	server, _ = serverWith(t, sqlFailure("55P03: timeout"), answer{program: "psql", stdout: facts + `pgbind {"end": "inspect"}`})
	_, err = server.Bind(t.Context(), testBinding(), Login{Password: "x", Set: true})
	assert.NotErrorAs(t, err, &locked)
	assert.ErrorContains(t, err, "55P03")
}

func TestWhoKeepsCreateuserWaitingIsNamed(t *testing.T) {
	facts := primary + `pgbind {"found": {"role": false, "createsRole": true}}` + "\n"
	server, _ := serverWith(t, failedCreateuser, answer{program: "psql", stdout: facts + holder + `pgbind {"end": "inspect"}`})
	err := server.createRole(t.Context(), "r")
	var locked *LockedError
	require.ErrorAs(t, err, &locked)
}
