package postgres

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

const (
	madeOne   = `pgbind {"createuser": 0}` + "\n"
	refusesIt = `pgbind {"createuser": 1}` + "\n"
	bound     = primary + hosted
)

// roleFacts is what psql tells of a role that createuser did not make.
func roleFacts(there string) answer {
	return answer{program: "psql", stdout: primary + `pgbind {"found": {"role": ` + there + `, "createsRole": true}}` + "\n" + `pgbind {"end": "inspect"}` + "\n"}
}

// proved is what psql tells of a request that it did alone.
func proved(run string) string {
	return primary + hosted + loggedIn("scram-sha-256") + `pgbind {"end": "` + run + `"}` + "\n"
}

func TestCreateTellsTheRoleAndTheScriptAtOnce(t *testing.T) {
	server, c := serverWith(t, answer{program: "createuser", stdout: madeOne + proved("run1") + `pgbind {"psql": 0}` + "\n"})
	b := testBinding()
	made, result, err := server.Create(t.Context(), b, Login{Password: "secret", Set: true, Host: "svc.ns.svc"})
	require.NoError(t, err)
	assert.True(t, made)
	require.NoError(t, result.Verify())
	assert.True(t, result.Verified)
	c.running.Wait()
	require.Len(t, c.stdin, 1)
	assert.True(t, strings.HasPrefix(c.stdin[0], b.Role+"\n"+opening(server.Database).text.String()))
	assert.NotContains(t, strings.Join(c.argv[0], " "), "secret")
}

func TestCreateSaysWhatBecameOfTheRole(t *testing.T) {
	tests := map[string]struct {
		answers []answer
		made    bool
		is      error
		err     string
	}{
		"it is there": {answers: []answer{{program: "createuser", stdout: refusesIt}, roleFacts("true")}, is: ErrExists},
		"it cannot be made": {answers: []answer{{program: "createuser", stdout: refusesIt, stderr: "createuser: error: no\n"}, roleFacts("false")},
			err: "createuser failed: no"},
		"it is made and then refused": {answers: []answer{{program: "createuser", stdout: madeOne + primary + `pgbind {"refused": {"role": "r", "verdict": "foreign"}}` + "\n"}},
			made: true, err: `role "r" exists`},
		"the transaction loses once": {answers: []answer{
			{program: "createuser", stdout: madeOne + primary + `pgbind {"psql": 3}` + "\n", stderr: "psql:<stdin>:9: ERROR:  40P01: deadlock\n"},
			{program: "psql", stdout: proved("run1")},
		}, made: true},
		"the way is lost before": {answers: []answer{{program: "createuser", err: errors.New("reset")}}, err: "not known"},
		"the way is lost after":  {answers: []answer{{program: "createuser", stdout: madeOne, err: errors.New("reset")}}, made: true, err: "not known"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server, _ := serverWith(t, test.answers...)
			made, _, err := server.Create(t.Context(), testBinding(), Login{Password: "secret", Set: true, Host: "svc.ns.svc"})
			assert.Equal(t, test.made, made)
			switch {
			case test.is != nil:
				require.ErrorIs(t, err, test.is)
			case test.err != "":
				require.ErrorContains(t, err, test.err)
			default:
				require.NoError(t, err)
			}
		})
	}
}

func TestAScriptThatIsTooLongIsNotToldAtOnce(t *testing.T) {
	for length, told := range map[int]bool{maxInput: true, maxInput + 1: false} {
		server, h := aheadServer(t, map[string]string{"createuser": creates, "psql": reads})
		server.Connect(t.Context())
		begun := server.ahead
		used, _, err := server.createuserAhead("r", strings.Repeat("-", length))
		require.NoError(t, err)
		assert.True(t, used)
		assert.Equal(t, told, begun.told)
		begun.leave()
		<-begun.done
		assert.Equal(t, told, h.script() != "")
	}
}

func TestPsqlHasItsEnvironmentBehindCreateuserToo(t *testing.T) {
	server, _ := serverWith(t)
	assert.Subset(t, server.createuserThenPsql("createusers").env, server.psqlProgram().env)
}

func TestCreateAll(t *testing.T) {
	const all = `pgbind {"created": [0,1,2]}` + "\n"
	const last = `pgbind {"end": "batch"}`
	made := func(t *testing.T, creations []Creation) (made []bool) {
		t.Helper()
		for _, c := range creations {
			made = append(made, c.Made)
		}
		return made
	}
	clean := func(t *testing.T, creations []Creation) {
		t.Helper()
		assert.Equal(t, []bool{true, true, true}, made(t, creations))
		for i, c := range creations {
			require.NoError(t, c.Err, i)
			assert.True(t, c.Result.Verified)
		}
	}
	t.Run("in one exec", func(t *testing.T) {
		server, c := serverWith(t, answer{program: "createuser", stdout: all + reported(3, 3, "scram-sha-256") + last + "\n" + `pgbind {"psql": 0}` + "\n"})
		requests := requests(t, 3)
		clean(t, server.CreateAll(t.Context(), requests))
		c.running.Wait()
		require.Len(t, c.stdin, 1)
		role := requests[0].Binding.Role
		assert.True(t, strings.HasPrefix(c.stdin[0], role+"\n"+role+"\n"+role+"\n\n"+opening(server.Database).text.String()))
		assert.NotContains(t, strings.Join(c.argv[0], " "), role, "names are no arguments of the exec")
		assert.NotContains(t, strings.Join(c.argv[0], " "), "secret")
	})
	t.Run("one that is there keeps psql from the others", func(t *testing.T) {
		server, _ := serverWith(t,
			answer{program: "createuser", stdout: `pgbind {"created": [0,2]}` + "\n"},
			answer{program: "createuser", stderr: "there", err: &podexec.ExitError{Code: 1}}, roleFacts("true"),
			answer{program: "psql", stdout: reported(2, 2, "scram-sha-256") + last})
		creations := server.CreateAll(t.Context(), requests(t, 3))
		assert.Equal(t, []bool{true, false, true}, made(t, creations))
		require.NoError(t, creations[0].Err)
		require.ErrorIs(t, creations[1].Err, ErrExists)
		require.NoError(t, creations[2].Err)
	})
	t.Run("no shell", func(t *testing.T) {
		server, _ := serverWith(t, answer{program: "createuser", err: &podexec.ExitError{Code: 127}},
			answer{program: "createuser"}, answer{program: "createuser"}, answer{program: "createuser"},
			answer{program: "psql", stdout: reported(3, 3, "scram-sha-256") + last})
		clean(t, server.CreateAll(t.Context(), requests(t, 3)))
	})
	t.Run("psql has no session", func(t *testing.T) {
		server, _ := serverWith(t, answer{program: "createuser", stdout: all, err: &podexec.ExitError{Code: 2}},
			answer{program: "psql", stdout: reported(3, 3, "scram-sha-256") + last})
		clean(t, server.CreateAll(t.Context(), requests(t, 3)))
	})
	t.Run("a login fails", func(t *testing.T) {
		refused := &podexec.ExitError{Code: 2}
		server, _ := serverWith(t,
			answer{program: "createuser", stdout: all + reported(3, 1, "scram-sha-256") + `pgbind {"attempt": 1}` + "\n", err: refused},
			answer{program: "psql", stdout: bound, stderr: "psql: error: no", err: refused},
			answer{program: "psql", stdout: proved("run2")})
		creations := server.CreateAll(t.Context(), requests(t, 3))
		assert.Equal(t, []bool{true, true, true}, made(t, creations))
		require.NoError(t, creations[0].Err)
		login := (*LoginError)(nil)
		require.ErrorAs(t, creations[1].Err, &login)
		require.NoError(t, creations[2].Err)
	})
	t.Run("a cut output", func(t *testing.T) {
		server, _ := serverWith(t, answer{program: "createuser"}, roleFacts("true"), roleFacts("true"),
			answer{program: "psql", stdout: primary, err: &podexec.ExitError{Code: 3}},
			answer{program: "psql", stdout: reported(2, 2, "scram-sha-256") + last})
		creations := server.CreateAll(t.Context(), requests(t, 3))
		assert.Equal(t, []bool{true, true, false}, made(t, creations))
		unknown := (*UnknownError)(nil)
		require.ErrorAs(t, creations[2].Err, &unknown, "the role may be there, so that it must be taken back")
	})
	t.Run("an output that is cut after the roles are made", func(t *testing.T) {
		server, _ := serverWith(t, answer{program: "createuser", stdout: all},
			answer{program: "psql", stdout: reported(3, 3, "scram-sha-256") + last})
		clean(t, server.CreateAll(t.Context(), requests(t, 3)))
	})
	t.Run("the way is lost", func(t *testing.T) {
		server, _ := serverWith(t, answer{program: "createuser", err: errors.New("reset")})
		creations := server.CreateAll(t.Context(), requests(t, 3))
		assert.Equal(t, []bool{false, false, false}, made(t, creations))
		unknown := (*UnknownError)(nil)
		for _, c := range creations {
			require.ErrorAs(t, c.Err, &unknown)
		}
	})
	t.Run("the way is lost after the roles are made", func(t *testing.T) {
		server, _ := serverWith(t, answer{program: "createuser", stdout: all, err: errors.New("reset")})
		creations := server.CreateAll(t.Context(), requests(t, 3))
		assert.Equal(t, []bool{true, true, true}, made(t, creations))
		unknown := (*UnknownError)(nil)
		for _, c := range creations {
			require.ErrorAs(t, c.Err, &unknown)
		}
	})
	t.Run("a single one", func(t *testing.T) {
		server, _ := serverWith(t, answer{program: "createuser", stdout: madeOne + proved("run0") + `pgbind {"psql": 0}` + "\n"})
		creations := server.CreateAll(t.Context(), requests(t, 1))
		assert.True(t, creations[0].Made)
		require.NoError(t, creations[0].Err)
	})
}

func TestTheShellMakesRolesBeforeItRunsPsql(t *testing.T) {
	const twoRoles = `^createuser .* -- pgb_abc_1\ncreateuser .* -- pgb_abc_1\n$`
	t.Run("both are made", func(t *testing.T) {
		server, h := aheadServer(t, map[string]string{"createuser": creates, "psql": reads})
		b := newBatch(requests(t, 2), []int{0, 1})
		created, err := server.createBatch(t.Context(), b)
		require.NoError(t, err)
		assert.Len(t, created, 2)
		assert.Regexp(t, twoRoles, h.did())
		require.NotNil(t, b.session)
		assert.Equal(t, "run", b.session.End)
		assert.True(t, strings.HasPrefix(h.script(), opening(server.Database).text.String()))
		assert.EqualValues(t, 1, h.execs.Load())
	})
	t.Run("one is not", func(t *testing.T) {
		second := `if [ -e "$LOG" ]; then exit 1; fi` + "\n" + creates
		server, h := aheadServer(t, map[string]string{"createuser": second, "psql": reads})
		b := newBatch(requests(t, 2), []int{0, 1})
		created, err := server.createBatch(t.Context(), b)
		require.NoError(t, err)
		assert.Equal(t, map[int]bool{0: true}, created)
		assert.Nil(t, b.session)
		assert.NoFileExists(t, filepath.Join(h.path, "log.psql"), "psql has not run")
	})
	t.Run("psql ends early", func(t *testing.T) {
		server, h := aheadServer(t, map[string]string{"createuser": creates, "psql": "exit 3\n"})
		require.NoError(t, os.Remove(filepath.Join(h.path, "cat")))
		require.NoError(t, os.WriteFile(filepath.Join(h.path, "cat"), []byte("#!/bin/sh\n/bin/cat >\"$LOG.rest\"\n"), 0o700)) //nolint:gosec // it is to be run
		_, err := server.createBatch(t.Context(), newBatch(requests(t, 2), []int{0, 1}))
		exit := (*podexec.ExitError)(nil)
		require.ErrorAs(t, err, &exit)
		assert.Equal(t, 3, exit.Code)
		rest, err := os.ReadFile(filepath.Join(h.path, "log.rest"))
		require.NoError(t, err)
		assert.Contains(t, string(rest), "COMMIT", "somebody reads what psql left")
	})
}
