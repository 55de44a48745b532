package postgres

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

// refused is what psql leaves when the host refuses the login.
func refused() answer {
	return answer{
		program: "psql",
		stdout:  primary + `pgbind {"did": "GRANT"}` + "\n" + hosted,
		stderr:  `psql:<stdin>:9: error: \connect: FATAL:  no such user` + "\n",
		err:     &podexec.ExitError{Code: 3},
	}
}

func TestAPoolerThatDoesNotKnowTheRoleIsPassedBy(t *testing.T) {
	login := Login{Password: "cleartext", Set: true, Host: "pooler.ns.svc", HostChosen: true, Port: 6432, PodIP: "10.0.0.1", PodPort: 5432}
	proved := answer{program: "psql", stdout: primary + `pgbind {"did": "GRANT"}` + "\n" + hosted + loggedIn("scram-sha-256:x") + ended}

	t.Run("where the user chose the host", func(t *testing.T) {
		server, _ := serverWith(t, refused(), proved)
		result, err := server.Bind(t.Context(), testBinding(), login)
		require.NoError(t, err)
		assert.True(t, result.Verified)
		assert.Equal(t, "pooler.ns.svc", result.Host, "what the Secret hands over")
		assert.Equal(t, "FATAL:  no such user", result.Refused)
		assert.Equal(t, []string{"GRANT", "GRANT"}, result.Did)
	})
	t.Run("but the server's own answer counts", func(t *testing.T) {
		server, _ := serverWith(t, refused(), refused())
		_, err := server.Bind(t.Context(), testBinding(), login)
		require.ErrorContains(t, err, "no such user")
	})
	t.Run("and no Service is", func(t *testing.T) {
		server, _ := serverWith(t, refused())
		login.HostChosen = false
		_, err := server.Bind(t.Context(), testBinding(), login)
		require.ErrorContains(t, err, "no such user")
	})
}
