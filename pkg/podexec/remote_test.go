package podexec_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/exec"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

var (
	database   = podexec.Container{Namespace: "data", Pod: "db-0", Name: "postgres"}
	transports = map[string]podexec.Transport{"Auto": podexec.Auto, "SPDY": podexec.SPDY, "WebSocket": podexec.WebSocket}
)

func newRemote(t *testing.T, url string, options ...podexec.Option) *podexec.Remote {
	t.Helper()
	remote, err := podexec.New(&rest.Config{Host: url}, options...)
	require.NoError(t, err)
	return remote
}

// echo repeats its arguments and its stdin.
func echo(argv []string, stdin io.Reader, stdout, stderr io.Writer) error {
	_, _ = fmt.Fprintf(stderr, "%q", argv)
	_, err := io.Copy(stdout, stdin)
	return err
}

func TestExec_CarriesStreams(t *testing.T) {
	script := strings.Repeat("SELECT 'ä\x00\\';\n", 20_000)
	for name, transport := range transports {
		t.Run(name, func(t *testing.T) {
			remote := newRemote(t, newServer(t, echo).URL, podexec.WithTransport(transport))
			var stdout, stderr bytes.Buffer
			err := remote.Exec(t.Context(), database, []string{"psql", "-f", "a b&c=d"},
				podexec.Streams{Stdin: strings.NewReader(script), Stdout: &stdout, Stderr: &stderr})
			require.NoError(t, err)
			assert.Equal(t, script, stdout.String())
			assert.Equal(t, `["psql" "-f" "a b&c=d"]`, stderr.String())
		})
	}
}

func TestExec_ReturnsTypedErrors(t *testing.T) {
	const missing = `exec: "createuser": executable file not found in $PATH`
	tests := map[string]struct {
		end    error
		assert func(t *testing.T, err error)
	}{
		"success":                  {nil, func(t *testing.T, err error) { t.Helper(); require.NoError(t, err) }},
		"a stream cut with no end": {errCut, func(t *testing.T, err error) { t.Helper(); require.NoError(t, err) }},
		"exit status": {exec.CodeExitError{Err: errors.New("exit"), Code: 3}, func(t *testing.T, err error) {
			t.Helper()
			var exit *podexec.ExitError
			require.ErrorAs(t, err, &exit)
			assert.Equal(t, 3, exit.Code)
			assert.EqualError(t, err, "run createuser in pod/db-0 (container postgres): exit status 3")
		}},
		"runtime error": {errors.New(missing), func(t *testing.T, err error) {
			t.Helper()
			var start *podexec.StartError
			require.ErrorAs(t, err, &start)
			assert.Equal(t, podexec.StartError{Program: "createuser", Reason: missing}, *start)
			assert.EqualError(t, err, "run createuser in pod/db-0 (container postgres): the container runtime reported: "+missing)
		}},
	}
	for name, test := range tests {
		for transportName, transport := range transports {
			t.Run(name+" over "+transportName, func(t *testing.T) {
				server := newServer(t, func(_ []string, _ io.Reader, stdout, _ io.Writer) error {
					_, _ = io.WriteString(stdout, "before the end")
					return test.end
				})
				var stdout bytes.Buffer
				err := newRemote(t, server.URL, podexec.WithTransport(transport)).
					Exec(t.Context(), database, []string{"createuser", "app_role"}, podexec.Streams{Stdout: &stdout})
				test.assert(t, err)
				assert.Equal(t, "before the end", stdout.String())
			})
		}
	}
}

func TestExec_RefusesAnEmptyCommand(t *testing.T) {
	err := newRemote(t, "http://127.0.0.1:0").Exec(t.Context(), database, nil, podexec.Streams{})
	require.EqualError(t, err, "no command to run in pod/db-0 (container postgres)")
}

func TestExec_InParallel(t *testing.T) {
	remote := newRemote(t, newServer(t, echo).URL)
	var all sync.WaitGroup
	var errs [30]error
	var outputs [30]bytes.Buffer
	for i := range errs {
		all.Go(func() {
			stdin := strings.NewReader(fmt.Sprintf("script %d;", i))
			errs[i] = remote.Exec(t.Context(), database, []string{"psql"},
				podexec.Streams{Stdin: stdin, Stdout: &outputs[i], Stderr: &outputs[i]})
		})
	}
	all.Wait()
	for i := range errs {
		require.NoError(t, errs[i])
		assert.Contains(t, outputs[i].String(), fmt.Sprintf("script %d;", i))
		assert.Contains(t, outputs[i].String(), `["psql"]`)
	}
}

func TestExec_DetachesStreamsWhenContextEnds(t *testing.T) {
	for name, transport := range transports {
		t.Run(name, func(t *testing.T) {
			written := make(chan struct{})
			server := newServer(t, func(_ []string, _ io.Reader, stdout, _ io.Writer) error {
				for i := 0; ; i++ {
					if _, err := io.WriteString(stdout, "more\n"); err != nil {
						return err
					}
					if i == 10 {
						close(written)
					}
				}
			})
			ctx, cancel := context.WithCancel(t.Context())
			go func() { <-written; cancel() }()
			var stdout bytes.Buffer
			err := newRemote(t, server.URL, podexec.WithTransport(transport)).
				Exec(ctx, database, []string{"psql"}, podexec.Streams{Stdout: &stdout})
			require.ErrorIs(t, err, context.Canceled)
			length := stdout.Len() // the race detector sees a Write that comes later
			time.Sleep(20 * time.Millisecond)
			assert.Equal(t, length, stdout.Len())
		})
	}
}
