//go:build e2e

package e2e

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/faultproxy"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// TestWebSocket runs all commands behind a load balancer that refuses SPDY.
func TestWebSocket(t *testing.T) {
	t.Parallel()
	f := newDatabase(t)
	f.labelled("late")
	const file = "apiVersion: pgbind.dev/v1alpha1\nkind: Binding\nspec: {workload: deployment/late}\n"
	over := f.withoutSPDY()

	over.bind(application)
	bound := f.login(firstSecret)
	assert.Equal(t, bound.Username, f.as(firstSecret, "SELECT session_user"))
	over.bind("check", application)
	rows := over.bind("psql", application, "--", "-At", "-c", "SELECT session_user")
	assert.Equal(t, harness.Result{Stdout: bound.Username + "\n"}, rows)
	over.types(bound.Username)
	over.bind("rotate", application, "--settle=1s")
	rotated := f.login(firstSecret)
	assert.NotEqual(t, bound.Username, rotated.Username)
	assert.Equal(t, rotated.Username, f.as(firstSecret, "SELECT session_user"))
	over.apply(file)
	assert.Equal(t, f.login(secretOf("late")).Username, f.as(secretOf("late"), "SELECT session_user"))
	over.bind("unbind", application, "deployment/late")
	assert.Empty(t, f.boundSecrets())
	assert.Empty(t, f.loginRoles())
}

// webSocketOnly is a namespace whose commands go through a proxy that refuses SPDY.
type webSocketOnly struct {
	*fixture
	proxy      *faultproxy.Proxy
	kubeconfig string
	seen       int // exchanges of earlier commands
}

func (f *fixture) withoutSPDY() *webSocketOnly {
	f.t.Helper()
	proxy, err := faultproxy.Start(f.REST, func(e faultproxy.Exchange) faultproxy.Fault {
		if e.Exec && strings.HasPrefix(e.Request, http.MethodPost) { // a WebSocket begins with a GET
			return faultproxy.Fault{Action: faultproxy.Refuse}
		}
		return faultproxy.Fault{}
	})
	require.NoError(f.t, err)
	f.t.Cleanup(proxy.Close)
	kubeconfig := filepath.Join(f.t.TempDir(), "kubeconfig")
	require.NoError(f.t, proxy.WriteKubeconfig(kubeconfig))
	return &webSocketOnly{fixture: f, proxy: proxy, kubeconfig: kubeconfig}
}

func (w *webSocketOnly) bind(args ...string) harness.Result {
	w.t.Helper()
	return w.succeeds(w.Pgbind(args...))
}

func (w *webSocketOnly) apply(file string) {
	w.t.Helper()
	w.succeeds(w.Pgbind("apply", "--filename=-").Stdin(file))
}

func (w *webSocketOnly) succeeds(command *harness.Command) harness.Result {
	w.t.Helper()
	result := w.run(command.As(w.kubeconfig))
	require.Zero(w.t, result.Code, "%s: stdout: %s\nstderr: %s", command, result.Stdout, result.Stderr)
	w.requireNoPassword(result.Stdout + result.Stderr)
	w.requireWebSocket(command.String())
	return result
}

// types uses psql on a terminal, whose size is sent in a stream of its own.
func (w *webSocketOnly) types(role string) {
	w.t.Helper()
	session := w.terminal(w.Pgbind("psql", application).As(w.kubeconfig), 31, 101)
	session.expect("=> ")
	session.send("SELECT session_user;\r")
	session.expect(role)
	session.expect("=> ")
	session.send("\\! stty size\r")
	session.expect("31 101")
	session.send("\\q\r")
	assert.Zero(w.t, session.end())
	w.requireWebSocket("psql on a terminal")
}

// requireWebSocket requires that each exec of the last command was refused over SPDY and then ran over WebSocket.
func (w *webSocketOnly) requireWebSocket(command string) {
	w.t.Helper()
	exchanges := w.proxy.Exchanges()
	var refused, ran int
	for _, e := range exchanges[w.seen:] {
		switch {
		case !e.Exec:
		case e.Protocol == "websocket":
			ran++
		default:
			assert.Empty(w.t, e.Protocol, "%s: %s", command, e)
			refused++
		}
	}
	w.seen = len(exchanges)
	assert.Positive(w.t, ran, command)
	assert.Equal(w.t, ran, refused, command)
}
