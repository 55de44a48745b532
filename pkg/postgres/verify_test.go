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

// lingering is a psql whose script has said its last word, and which then waits for leave to say the rest.
func lingering(rest string) string {
	said := "/bin/cat <<'E'\n" + primary + hosted + loggedIn("") + ended + "E\n"
	return `/bin/cat >"$LOG.psql"` + "\n" + said + `while [ ! -e "$LOG.leave" ]; do /bin/sleep 0.01; done` + "\n" + rest + "\n"
}

func TestAProvedLoginDoesNotWaitForPsqlToEnd(t *testing.T) {
	tests := map[string]struct {
		rest     string
		lost     error
		verified bool
		err      string
	}{
		"without a password it is refused": {rest: "exit 2", verified: true},
		"no password works as well":        {rest: `echo 'pgbind {"trust": true}'`},
		"psql is not heard of":             {rest: "exit 0", err: errCut.Error()},
		"the way is lost":                  {rest: "kill -9 $PPID; kill -9 $$", lost: errors.New("reset"), err: "whether the server asks for the password"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server, h := aheadServer(t, map[string]string{"createuser": creates, "psql": lingering(test.rest)})
			h.lost = test.lost
			made, result, err := server.Create(t.Context(), testBinding(), Login{Password: "secret", Set: true, Host: "svc.ns.svc"})
			require.NoError(t, err)
			assert.True(t, made)
			assert.Equal(t, "svc.ns.svc.cluster.local", result.Reached)
			require.NoError(t, os.WriteFile(filepath.Join(h.path, "log.leave"), nil, 0o600))
			err = result.Verify()
			if test.err != "" {
				require.ErrorContains(t, err, test.err)
			} else {
				require.NoError(t, err)
			}
			assert.Equal(t, test.verified, result.Verified)
			require.NoError(t, result.Verify(), "it is asked once")
		})
	}
}

func TestOnlyABindGoesOnBeforePsqlHasEnded(t *testing.T) {
	server, _ := aheadServer(t, map[string]string{"psql": "/bin/cat >/dev/null; echo 'pgbind {\"end\": \"run\"}'; exit 3\n"})
	server.Connect(t.Context())
	out, err := server.session(t.Context(), new(script).set("run", "run").run("session", "end"))
	exit := (*podexec.ExitError)(nil)
	require.ErrorAs(t, err, &exit)
	assert.Nil(t, out.rest)
}

func TestTheLastWordMayBeCutInTwo(t *testing.T) {
	a := newConversation(nil)
	for _, part := range strings.SplitAfter("pgbind {\"en|d\" : \"run1\"}|\n", "|") {
		select {
		case <-a.heard[lastWord].come:
			t.Fatal("it has not come whole")
		default:
		}
		_, err := a.take([]byte(strings.TrimSuffix(part, "|")))
		require.NoError(t, err)
	}
	assert.True(t, a.concluded())
}
