package postgres

import (
	"errors"
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
		"once":                     {answers: []answer{sqlFailure("40001: a"), success}},
		"twice":                    {answers: []answer{sqlFailure("40P01: a"), sqlFailure("40001: a"), success}},
		"changed at the same time": {answers: []answer{sqlFailure("XX000: Tupel gleichzeitig aktualisiert"), success}},
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

func TestEventTriggersAreNamed(t *testing.T) {
	const triggers = `pgbind {"eventTriggers": ["\"Audit\", which calls f()"]}` + "\n"
	tests := map[string]struct {
		failure string
		answers []answer
		named   bool
	}{
		"a missing table":      {"42P01: a", []answer{{program: "psql", stdout: primary + triggers}}, true},
		"a raised exception":   {"P0001: a", []answer{{program: "psql", stdout: primary + triggers}}, true},
		"no event triggers":    {"42P01: a", []answer{{program: "psql", stdout: primary}}, false},
		"they cannot be read":  {"42P01: a", []answer{{program: "psql", err: &podexec.ExitError{Code: 3}}}, false},
		"the server's memory":  {"53200: a", nil, false},
		"the server's restart": {"57P01: a", nil, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server, _ := serverWith(t, append([]answer{sqlFailure(test.failure)}, test.answers...)...)
			server.SkipEventTriggers = false
			_, err := server.Bind(t.Context(), testBinding(), Login{Password: "x", Set: true})
			var blamed *EventTriggerError
			assert.Equal(t, test.named, errors.As(err, &blamed), "%v", err)
			require.ErrorContains(t, err, test.failure[:5])
			if test.named {
				assert.ErrorContains(t, err, `"Audit", which calls f()`)
			}
		})
	}
}
