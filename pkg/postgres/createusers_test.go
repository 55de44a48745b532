package postgres

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

const (
	createdOne  = `pgbind {"created": [0]}` + "\n"
	createdNone = `pgbind {"created": []}` + "\n"
	bound       = primary + hosted
)

// create creates one role and binds it.
func create(t *testing.T, server *Server) Creation {
	t.Helper()
	creations := server.CreateAll(t.Context(), []Request{{testBinding(), Login{Password: "secret", Set: true, Host: "svc.ns.svc"}}})
	require.Len(t, creations, 1)
	return creations[0]
}

// roleFacts is what psql tells of a role that createuser did not make.
func roleFacts(there string) answer {
	return answer{
		program: "psql",
		stdout:  primary + `pgbind {"found": {"role": ` + there + `, "createsRole": true}}` + "\n" + `pgbind {"end": "inspect"}` + "\n",
	}
}

// weak is what psql tells of an administrator who is no superuser, and weakAbsent of a role that does not exist.
const weak = `pgbind {"server": {"version": 170000, "standby": false, "superuser": false}}` + "\n"

func weakAbsent() answer {
	facts := roleFacts("false")
	facts.stdout = strings.ReplaceAll(facts.stdout, `"superuser": true`, `"superuser": false`)
	return facts
}

// proved is what psql tells of a request that it did alone.
func proved(run string) string {
	return primary + hosted + loggedIn("scram-sha-256") + `pgbind {"end": "` + run + `"}` + "\n"
}

func TestCreateAll_OneRoleIsOneExec(t *testing.T) {
	server, c := serverWith(t, answer{program: "createusers", stdout: createdOne + proved("run1")})
	creation := create(t, server)
	require.NoError(t, creation.Err)
	assert.True(t, creation.Made)
	assert.True(t, creation.Result.Verified)
	require.Len(t, c.stdin, 1)
	assert.True(t, strings.HasPrefix(c.stdin[0], testBinding().Name+"\n\n"+opening(server.Database, true).text.String()))
	assert.NotContains(t, strings.Join(c.argv[0], " "), "secret")
}

func TestCreateAll_SaysWhatBecameOfOneRole(t *testing.T) {
	reset, deadlock := errors.New("reset"), "psql:<stdin>:9: ERROR:  40P01: deadlock\n"
	refused := createdOne + primary + `pgbind {"refused": {"role": "r", "verdict": "foreign"}}` + "\n"
	says := func(text string) answer { return answer{program: "createusers", stdout: text} }
	failing := func(text, stderr string, err error) answer {
		return answer{program: "createusers", stdout: text, stderr: stderr, err: err}
	}
	cut := answer{program: "createusers", cut: true}
	exists, absent := roleFacts("true"), roleFacts("false")
	created, failed := answer{
		program: "createuser",
	}, answer{
		program: "createuser",
		stderr:  "WARNING:  another collation version\nHINT:  rebuild\ncreateuser: error: no\n",
		err:     &podexec.ExitError{Code: 1},
	}
	binds := answer{program: "psql", stdout: proved("run1")}
	tests := map[string]struct {
		answers []answer
		made    bool
		is      error
		err     string
	}{
		"it is there":          {answers: []answer{says(createdNone), exists}, is: ErrExists},
		"it cannot be created": {answers: []answer{says(createdNone), absent, failed, absent}, err: "createuser failed: no"},
		"createuser is refused, SQL is not": {
			answers: []answer{
				says(createdNone),
				weakAbsent(),
				failed,
				weakAbsent(),
				{program: "psql", stdout: weak + ended},
				binds,
			},
			made: true,
		},
		"both are refused": {
			answers: []answer{
				says(createdNone), weakAbsent(), failed, weakAbsent(),
				{program: "psql", stdout: weak, stderr: "psql:<stdin>:9: ERROR:  42501: no\n", err: &podexec.ExitError{Code: 3}},
			},
			err: "createuser failed: no: choose another administrator with --admin-user",
		},
		"it is created the second time":  {answers: []answer{says(createdNone), absent, created, binds}, made: true},
		"it is created and then refused": {answers: []answer{says(refused)}, made: true, err: `role "r" exists`},
		"its login fails": {answers: []answer{failing(createdOne+bound, "psql: error: no\n", &podexec.ExitError{Code: 2})},
			made: true, err: "the login with the new password failed: no"},
		"the transaction loses once": {
			answers: []answer{failing(createdOne+primary, deadlock, &podexec.ExitError{Code: 3}), binds},
			made:    true,
		},
		"psql gets no session":               {answers: []answer{failing(createdOne, "", &podexec.ExitError{Code: 2}), binds}, made: true},
		"the output is cut, it exists":       {answers: []answer{cut, exists, binds}, made: true},
		"the output is cut, it does not":     {answers: []answer{cut, absent, created, binds}, made: true},
		"the output is cut, another made it": {answers: []answer{cut, absent, failed, exists}, is: ErrExists},
		"the way is lost before":             {answers: []answer{failing("", "", reset)}, err: "result is unknown"},
		"the way is lost after":              {answers: []answer{failing(createdOne, "", reset)}, made: true, err: "result is unknown"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server, _ := serverWith(t, test.answers...)
			creation := create(t, server)
			assert.Equal(t, test.made, creation.Made)
			switch {
			case test.is != nil:
				require.ErrorIs(t, creation.Err, test.is)
			case test.err != "":
				require.ErrorContains(t, creation.Err, test.err)
			default:
				require.NoError(t, creation.Err)
			}
		})
	}
}

func TestCreateAll_ManyRoles(t *testing.T) {
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
		server, c := serverWith(t, answer{program: "createusers", stdout: all + reported(3, 3, "scram-sha-256") + last})
		requests := requests(t, 3)
		clean(t, server.CreateAll(t.Context(), requests))
		require.Len(t, c.stdin, 1)
		role := requests[0].Role.Name
		assert.True(t, strings.HasPrefix(c.stdin[0], role+"\n"+role+"\n"+role+"\n\n"+opening(server.Database, true).text.String()))
		assert.NotContains(t, strings.Join(c.argv[0], " "), role, "names are no arguments of the exec")
		assert.NotContains(t, strings.Join(c.argv[0], " "), "secret")
	})
	t.Run("one that is there keeps psql from the others", func(t *testing.T) {
		server, _ := serverWith(t,
			answer{program: "createusers", stdout: `pgbind {"created": [0,2]}` + "\n"},
			roleFacts("true"),
			answer{program: "psql", stdout: reported(2, 2, "scram-sha-256") + last})
		creations := server.CreateAll(t.Context(), requests(t, 3))
		assert.Equal(t, []bool{true, false, true}, made(t, creations))
		require.NoError(t, creations[0].Err)
		require.ErrorIs(t, creations[1].Err, ErrExists)
		require.NoError(t, creations[2].Err)
	})
	t.Run("no shell", func(t *testing.T) {
		server, _ := serverWith(t, answer{program: "createusers", err: &podexec.ExitError{Code: 127}, cut: true},
			answer{program: "createuser"}, answer{program: "createuser"}, answer{program: "createuser"},
			answer{program: "psql", stdout: reported(3, 3, "scram-sha-256") + last})
		clean(t, server.CreateAll(t.Context(), requests(t, 3)))
	})
	t.Run("psql has no session", func(t *testing.T) {
		server, _ := serverWith(t, answer{program: "createusers", stdout: all, err: &podexec.ExitError{Code: 2}},
			answer{program: "psql", stdout: reported(3, 3, "scram-sha-256") + last})
		clean(t, server.CreateAll(t.Context(), requests(t, 3)))
	})
	t.Run("a login fails", func(t *testing.T) {
		refused := &podexec.ExitError{Code: 2}
		server, _ := serverWith(t,
			answer{program: "createusers", stdout: all + reported(3, 1, "scram-sha-256") + `pgbind {"attempt": 1}` + "\n", err: refused},
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
		server, _ := serverWith(t, answer{program: "createusers", cut: true}, roleFacts("true"), roleFacts("true"),
			answer{program: "psql", stdout: primary, err: &podexec.ExitError{Code: 3}},
			answer{program: "psql", stdout: reported(2, 2, "scram-sha-256") + last})
		creations := server.CreateAll(t.Context(), requests(t, 3))
		assert.Equal(t, []bool{true, true, false}, made(t, creations))
		unknown := (*UnknownError)(nil)
		require.ErrorAs(t, creations[2].Err, &unknown, "the role may be there, so it must be rolled back")
	})
	t.Run("an output that is cut after the roles are made", func(t *testing.T) {
		server, _ := serverWith(t, answer{program: "createusers", stdout: all, cut: true},
			answer{program: "psql", stdout: reported(3, 3, "scram-sha-256") + last})
		clean(t, server.CreateAll(t.Context(), requests(t, 3)))
	})
	t.Run("the way is lost", func(t *testing.T) {
		server, _ := serverWith(t, answer{program: "createusers", err: errors.New("reset")})
		creations := server.CreateAll(t.Context(), requests(t, 3))
		assert.Equal(t, []bool{false, false, false}, made(t, creations))
		unknown := (*UnknownError)(nil)
		for _, c := range creations {
			require.ErrorAs(t, c.Err, &unknown)
		}
	})
	t.Run("the way is lost after the roles are made", func(t *testing.T) {
		server, _ := serverWith(t, answer{program: "createusers", stdout: all, err: errors.New("reset")})
		creations := server.CreateAll(t.Context(), requests(t, 3))
		assert.Equal(t, []bool{true, true, true}, made(t, creations))
		unknown := (*UnknownError)(nil)
		for _, c := range creations {
			require.ErrorAs(t, c.Err, &unknown)
		}
	})
}
