//go:build e2e

package e2e

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestConnectionErrors compares what the plugin prints about an API server that cannot be reached with the last line of kubectl.
func TestConnectionErrors(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	stranger := httptest.NewTLSServer(http.NotFoundHandler())
	defer stranger.Close()
	for _, server := range []string{"--server=http://" + listener.Addr().String(), "--server=" + stranger.URL, "--server=https://no-such-host.invalid"} {
		kubectl, err := f.Kubectl("get", "pods", server).Run(f.ctx)
		require.NoError(t, err)
		said := lines(kubectl.Stderr)
		require.NotEmpty(t, said)
		for _, args := range [][]string{{"deployment/web"}, {"list", "-A"}, {"check"}, {"unbind", "--all"}, {"psql"}} {
			result := f.run(f.Pgbind(append(args, server)...))
			assert.Equal(t, said[len(said)-1:], lines(result.Stderr), args)
			assert.Empty(t, result.Stdout, args)
			assert.NotZero(t, result.Code, args)
		}
	}
}
