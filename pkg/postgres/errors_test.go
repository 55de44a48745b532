package postgres

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

func TestAnErrorNamesItsCauseAndTheNextStep(t *testing.T) {
	bind := func(answers ...answer) error {
		server, _ := serverWith(t, answers...)
		_, err := server.Bind(t.Context(), testBinding(), Login{Password: "x", Set: true})
		require.Error(t, err)
		return err
	}
	for stderr, want := range map[string]string{
		"psql:<stdin>:9: ERROR:  53100\n": "SQLSTATE 53100: the server's disk is full: free some space and run the command again",
		"psql:<stdin>:9: FATAL:  57P01: terminating connection due to administrator command\n": "terminating connection due to administrator command (SQLSTATE 57P01): " +
			"the server stopped: run the command again when it accepts connections",
		"psql:<stdin>:9: ERROR:  42501: no\n": "no (SQLSTATE 42501)",
		"psql:<stdin>:8: WARNING:  01007: no privileges were granted\npsql:<stdin>:9: ERROR:  42501: no\n": "no (SQLSTATE 42501)",
		"": "failed: it ended with exit status 137 and no message: check whether its Pod was stopped, and run the command again",
	} {
		require.ErrorContains(t, bind(answer{program: "psql", stdout: primary, stderr: stderr, err: &podexec.ExitError{Code: 137}}), want)
	}
	err := bind(answer{program: "psql", stdout: primary + hosted, err: &podexec.ExitError{Code: 137}})
	require.ErrorContains(t, err, "the login with the new password failed: it ended with exit status 137")
	stopped := answer{
		program: "psql",
		stderr:  "WARNING:  57P01: terminating connection due to immediate shutdown command\n",
		err:     &podexec.ExitError{Code: 2},
	}
	err = bind(slices.Repeat([]answer{stopped}, attempts)...)
	require.ErrorContains(t, err, "the server stopped", "a login that is refused tells no SQLSTATE")
	err = bind(answer{program: "psql", err: &podexec.StartError{Program: "env", Reason: "cannot exec in a stopped state"}})
	assert.ErrorContains(
		t, err,
		`could not start program "psql": if its Pod is being replaced, run the command again; otherwise choose the container`,
	)
}

func TestForeignRoleError_NamesTheOtherAdministrator(t *testing.T) {
	for want, administrators := range map[string][]Administrator{
		`role "x" was created by another administrator, a, b: use that one with --admin-user=a, or a superuser`: {
			{Role: "a", Creates: true}, {Role: "b", Creates: true},
		},
		`role "x" cannot be used, because role "b" holds the ADMIN option on it and is no administrator: end that with REVOKE b`: {
			{Role: "a", Creates: true}, {Role: "b", Revoke: "REVOKE b"},
		},
	} {
		assert.EqualError(t, &ForeignRoleError{Role: "x", Verdict: "administered", Administrators: administrators}, want)
	}
}

func TestOnPrimary_StopsAtTheFirstMemberThatIsNoStandby(t *testing.T) {
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		members []error
		tried   int
		err     error
	}{
		"the first is the primary":  {[]error{nil, broken}, 1, nil},
		"a standby before it":       {[]error{fmt.Errorf("pod/a: %w", ErrStandby), nil, broken}, 2, nil},
		"only standbys":             {[]error{ErrStandby, ErrStandby}, 2, ErrStandby},
		"a failure ends the search": {[]error{ErrStandby, broken, nil}, 2, broken},
	} {
		t.Run(name, func(t *testing.T) {
			tried := 0
			err := OnPrimary(test.members, func(member error) error {
				tried++
				return member
			})
			require.ErrorIs(t, err, test.err)
			assert.Equal(t, test.tried, tried)
		})
	}
	require.Error(t, OnPrimary(nil, func(error) error { return nil }), "no member answered")
}

func TestIsUnavailable(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"standby":                         {fmt.Errorf("survey: %w", ErrStandby), true},
		"became a standby":                {fmt.Errorf("drop: %w", &SQLError{State: "25006"}), true},
		"crashed":                         {&SQLError{State: "57P02"}, true},
		"takes no connections":            {&AdminLoginError{Hint: fmt.Errorf("probe: %w", errDown)}, true},
		"refuses the administrator":       {&AdminLoginError{Hint: errors.New("no password")}, false},
		"an error of a statement":         {&SQLError{State: "42501"}, false},
		"the connection to the Pod broke": {&UnknownError{Err: errors.New("reset")}, false},
		"none":                            {nil, false},
	} {
		assert.Equal(t, test.want, IsUnavailable(test.err), name)
	}
}
