package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

// answer is what one program of the container does when it is run. createusers and psql are run by run_psql.sh, which reports how psql ended.
type answer struct {
	program        string
	stdout, stderr string
	err            error
	cut            bool // the report of psql's end is lost
}

// container plays answers in their order and fails the test when another program is run.
type container struct {
	t       *testing.T
	answers []answer
	argv    [][]string
	stdin   []string
}

func (c *container) Exec(_ context.Context, _ podexec.Container, argv []string, s podexec.Streams) error {
	c.t.Helper()
	require.NotEmpty(c.t, c.answers, "unexpected program: %v", argv)
	next := c.answers[0]
	c.answers = c.answers[1:]
	require.Equal(c.t, next.program, programOf(argv))
	c.argv = append(c.argv, argv)
	_, open := s.Stdin.(*io.PipeReader)
	reported := open && next.report()
	if reported {
		next.stdout = "started\n" + next.stdout // as started.sh
	}
	for _, stream := range []struct {
		to   io.Writer
		text string
	}{{s.Stdout, next.stdout}, {s.Stderr, next.stderr}} {
		if stream.to == nil {
			continue
		}
		_, err := io.WriteString(stream.to, stream.text)
		require.NoError(c.t, err)
	}
	switch {
	case s.Stdin == nil:
	case open && !reported:
		go func() { _, _ = io.Copy(io.Discard, s.Stdin) }() // it stays open until this Exec has ended
	default:
		text, err := io.ReadAll(s.Stdin)
		require.NoError(c.t, err)
		c.stdin = append(c.stdin, string(text))
	}
	return next.err
}

// report adds what run_psql.sh reports, and says whether it got so far.
func (a *answer) report() bool {
	var exit *podexec.ExitError
	if ended := errors.As(a.err, &exit) || a.err == nil; !ended || a.cut {
		return false
	}
	code := 0
	if exit != nil {
		code = exit.Code
		a.err = &podexec.ExitError{Code: 1}
	}
	a.stdout = fmt.Sprintf("%s\npgbind {\"psql\": %d}\n", a.stdout, code)
	return true
}

// programOf names what a command line runs.
func programOf(argv []string) string {
	line := strings.Join(argv, " ")
	for _, program := range []struct{ name, sign string }{
		{"createusers", "read -r role"}, {"createuser", "createuser"}, {"dropuser", "dropuser"}, {"probe", "log_in_anywhere"}, {"pg_isready", "pg_isready"}, {"psql", "psql"},
	} {
		if strings.Contains(line, program.sign) {
			return program.name
		}
	}
	return line
}

func serverWith(t *testing.T, answers ...answer) (*Server, *container) {
	t.Helper()
	c := &container{t: t, answers: answers}
	t.Cleanup(func() { assert.Empty(t, c.answers, "not run") })
	return &Server{
		Exec:      c,
		Container: podexec.Container{Namespace: "ns", Pod: "pg-0", Name: "db"},
		User:      "postgres",
		Database:  "postgres",

		SkipEventTriggers: true, // an error of SQL asks for nothing more
	}, c
}

const (
	primary = `pgbind {"server": {"version": 150018, "standby": false, "superuser": true}}` + "\n"
	standby = `pgbind {"server": {"version": 150018, "standby": true, "superuser": true}}` + "\n"
	hosted  = `pgbind {"committed": true}` + "\n" + `pgbind {"domain": "cluster.local"}` + "\n"
	loginOK = `pgbind {"login": {"sessionUser": "pgb_abc_1", "currentUser": "ACCESS", "host": "svc.ns.svc.cluster.local", "method": "METHOD"}}` + "\n"
	ended   = `pgbind {"end": "run1"}` + "\n"
)

func loggedIn(method string) string {
	return strings.NewReplacer("ACCESS", testBinding().Access.Role(), "METHOD", method).Replace(loginOK)
}

func TestCreateRole_GivesNoAttributeAndNoPassword(t *testing.T) {
	server, c := serverWith(t, answer{program: "createuser"})
	require.NoError(t, server.createRole(t.Context(), "-weird"))
	argv := c.argv[0]
	for _, flag := range []string{"--no-login", "--no-superuser", "--no-createdb", "--no-createrole", "--no-replication", "--no-password"} {
		assert.Contains(t, argv, flag)
	}
	assert.Equal(t, []string{"--", "-weird"}, argv[len(argv)-2:])
	assert.Empty(t, c.stdin)
}

func TestCreateRole_FailureIsExplainedByFacts(t *testing.T) {
	failed := answer{program: "createuser", stderr: "createuser: error: la création a échoué\n", err: &podexec.ExitError{Code: 1}}
	facts := func(found string) answer {
		return answer{program: "psql", stdout: primary + `pgbind {"found": ` + found + "}\n" + `pgbind {"end": "inspect"}` + "\n"}
	}
	tests := map[string]struct {
		answers []answer
		exists  bool
		err     string
	}{
		"the role is there": {answers: []answer{failed, facts(`{"role": true, "createsRole": true}`)}, exists: true},
		"no right":          {answers: []answer{failed, facts(`{"role": false, "createsRole": false}`)}, err: "--admin-user"},
		"something else":    {answers: []answer{failed, facts(`{"role": false, "createsRole": true}`)}, err: "la création a échoué"},
		"a standby":         {answers: []answer{failed, {program: "psql", stdout: standby}}, err: ErrStandby.Error()},
		"psql was cut once": {
			answers: []answer{failed, {program: "psql", stdout: primary}, {program: "psql"}, facts(`{"role": true, "createsRole": true}`)},
			exists:  true,
		},
		"psql was always cut": {
			answers: []answer{failed, {program: "psql"}, {program: "psql"}, {program: "psql"}},
			err:     "truncated output",
		},
		"no createuser": {
			answers: []answer{{program: "createuser", err: &podexec.ExitError{Code: 127}}},
			err:     `no program "createuser"`,
		},
		"connection was lost": {answers: []answer{{program: "createuser", err: errors.New("reset")}}, err: "result is unknown"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server, _ := serverWith(t, test.answers...)
			err := server.createRole(t.Context(), "r")
			assert.Equal(t, test.exists, errors.Is(err, ErrExists))
			if test.exists {
				return
			}
			if test.err == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, test.err)
			}
		})
	}
}

func TestBindOutcomes(t *testing.T) {
	wrongRefused := &podexec.ExitError{Code: 3}
	tests := map[string]struct {
		answer   answer
		verified bool
		err      string
	}{
		"the server tells the method": {
			answer:   answer{stdout: primary + hosted + loggedIn("scram-sha-256:x") + ended},
			verified: true,
		},
		"the server trusts": {answer: answer{stdout: primary + hosted + loggedIn("trust") + ended}},
		"without a password it is refused": {
			answer:   answer{stdout: primary + hosted + loggedIn("") + ended, err: wrongRefused},
			verified: true,
		},
		"the way is lost after the login": {
			answer: answer{stdout: primary + hosted + loggedIn("") + ended, err: errors.New("reset")},
			err:    "whether the server requires the password",
		},
		"no password was never tried": {answer: answer{stdout: primary + hosted + loggedIn("") + ended}, err: errCut.Error()},
		"no password works as well": {
			answer: answer{stdout: primary + hosted + loggedIn("") + ended + `pgbind {"trust": true}` + "\n"},
		},
		"a standby": {answer: answer{stdout: standby}, err: ErrStandby.Error()},
		"a foreign role": {
			answer: answer{stdout: primary + `pgbind {"refused": {"role": "r", "verdict": "foreign"}}`},
			err:    `role "r" exists`,
		},
		"no login role": {
			answer: answer{stdout: primary + `pgbind {"incomplete": ["pgb_abc_1"]}`},
			err:    ErrIncomplete.Error(),
		},
		"the login fails": {
			answer: answer{stdout: primary + hosted, stderr: `psql:<stdin>:9: error: \connect: FATAL:  no` + "\n", err: wrongRefused},
			err:    "the new password failed: FATAL:  no",
		},
		"an error of SQL": {
			answer: answer{stdout: primary, stderr: "psql:<stdin>:9: ERROR:  57014: canceling\n", err: wrongRefused},
			err:    "canceling (SQLSTATE 57014)",
		},
		"a translated error of SQL": {
			answer: answer{stdout: primary, stderr: "psql:<stdin>:9: FEHLER:  42501: keine Berechtigung\n", err: wrongRefused},
			err:    "keine Berechtigung (SQLSTATE 42501)",
		},
		"an error whose text could be a secret": {
			answer: answer{stdout: primary, stderr: "psql:<stdin>:9: ERROR:  42501\n", err: wrongRefused},
			err:    "SQLSTATE 42501",
		},
		"cut before the commit":                {answer: answer{stdout: primary}, err: errCut.Error()},
		"cut before the end, called a success": {answer: answer{stdout: primary + hosted + loggedIn("")}, err: errCut.Error()},
		"another run's end": {
			answer: answer{stdout: primary + hosted + loggedIn("") + `pgbind {"end": "run2"}`},
			err:    errCut.Error(),
		},
		"not the role of the level": {
			answer: answer{stdout: primary + hosted + strings.ReplaceAll(loggedIn("x"), testBinding().Access.Role(), "pgb_abc_1") + ended},
			err:    "acts as role",
		},
		"a report that is no JSON": {answer: answer{stdout: "pgbind {\n"}, err: "parse the output of psql"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.answer.program = "psql"
			answers := []answer{test.answer}
			if test.err == errCut.Error() {
				answers = slices.Repeat(answers, attempts)
			}
			server, c := serverWith(t, answers...)
			result, err := server.Bind(t.Context(), testBinding(), Login{Password: "cleartext", Set: true, Host: "svc.ns.svc", Port: 5432})
			if test.err == "" {
				require.NoError(t, err)
				assert.Equal(t, test.verified, result.Verified)
			} else {
				require.ErrorContains(t, err, test.err)
				assert.NotContains(t, err.Error(), "cleartext")
			}
			assert.False(t, slices.ContainsFunc(c.argv[0], func(arg string) bool {
				return strings.Contains(arg, "cleartext") || strings.Contains(arg, "SCRAM") || strings.Contains(arg, "SELECT")
			}), "the arguments are public")
		})
	}
}

func TestBindIsRepeatedWhereItsOutcomeWasCutOff(t *testing.T) {
	whole := primary + hosted + loggedIn("scram-sha-256:x") + ended
	server, _ := serverWith(
		t, answer{program: "psql", stdout: whole[:len(whole)-len(ended)-5], cut: true},
		answer{program: "psql", stdout: whole},
	)
	result, err := server.Bind(t.Context(), testBinding(), Login{Password: "cleartext", Set: true, Host: "svc.ns.svc", Port: 5432})
	require.NoError(t, err)
	assert.True(t, result.Verified)
}

func TestThePasswordReachesOnlyPsqlItself(t *testing.T) {
	server, c := serverWith(t, answer{program: "psql", stdout: primary + hosted + loggedIn("x") + ended})
	_, err := server.Bind(t.Context(), testBinding(), Login{Password: "cleartext", Set: true})
	require.NoError(t, err)
	for line := range strings.Lines(c.stdin[0]) {
		if strings.Contains(line, "cleartext") {
			assert.Equal(t, `\setenv PGPASSWORD 'cleartext'`, strings.TrimSpace(line))
		}
	}
	assert.Equal(t, 1, strings.Count(c.stdin[0], "cleartext"))
}

func TestUndo(t *testing.T) {
	t.Run("drops", func(t *testing.T) {
		server, _ := serverWith(t, answer{program: "psql", stdout: primary + `pgbind {"did": "DROP ROLE pgb_abc_1"}` + "\n" + ended})
		did, err := server.Undo(t.Context(), testBinding())
		require.NoError(t, err)
		assert.Equal(t, []string{"DROP ROLE pgb_abc_1"}, did)
	})
	t.Run("leaves what another run has taken over", func(t *testing.T) {
		server, _ := serverWith(
			t,
			answer{program: "psql", stdout: primary + `pgbind {"refused": {"role": "pgb_abc_1", "verdict": "foreign"}}`},
		)
		did, err := server.Undo(t.Context(), testBinding())
		require.NoError(t, err)
		assert.Empty(t, did)
	})
	t.Run("does without psql", func(t *testing.T) {
		server, _ := serverWith(t, answer{program: "psql", err: &podexec.ExitError{Code: 127}}, answer{program: "dropuser"})
		_, err := server.Undo(t.Context(), testBinding())
		require.NoError(t, err)
	})
	t.Run("does without the database", func(t *testing.T) {
		server, _ := serverWith(
			t, answer{program: "psql", err: &podexec.ExitError{Code: 2}}, answer{program: "probe"},
			answer{program: "pg_isready"}, answer{program: "dropuser"},
		)
		_, err := server.Undo(t.Context(), testBinding())
		require.NoError(t, err)
	})
	cut := answer{program: "psql", stdout: primary + `pgbind {"did": "DROP ROLE pgb_abc_1"}` + "\n"}
	t.Run("goes on where it was cut", func(t *testing.T) {
		server, _ := serverWith(t, cut, answer{program: "psql", stdout: primary + ended})
		did, err := server.Undo(t.Context(), testBinding())
		require.NoError(t, err)
		assert.Equal(t, []string{"DROP ROLE pgb_abc_1"}, did)
	})
	t.Run("tells when it was always cut", func(t *testing.T) {
		server, _ := serverWith(t, cut, cut, cut)
		_, err := server.Undo(t.Context(), testBinding())
		require.ErrorIs(t, err, errCut)
	})
}

func TestAServerThatIsNotReached(t *testing.T) {
	server, _ := serverWith(t, answer{program: "psql", err: &podexec.StartError{Program: "env", Reason: "not in the image"}})
	_, err := server.Bind(t.Context(), testBinding(), Login{Password: "x", Set: true})
	var missing *MissingProgramError
	require.ErrorAs(t, err, &missing)
	assert.ErrorContains(t, err, "--postgres-container")
}
