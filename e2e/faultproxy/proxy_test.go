package faultproxy_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/faultproxy"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

// backend is an API server that counts requests. Every POST returns the Namespace "made", and every exec returns its input twice.
type backend struct {
	url      string
	acted    atomic.Int32
	received atomic.Int32 // bytes
}

func newBackend(t *testing.T) *backend {
	t.Helper()
	b := &backend{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer of-the-cluster" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		b.acted.Add(1)
		if strings.HasSuffix(r.URL.Path, "/exec") {
			b.exec(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"kind":"Namespace","apiVersion":"v1","metadata":{"name":"made"}}`)
	}))
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

func (b *backend) exec(w http.ResponseWriter, r *http.Request) {
	if _, err := httpstream.Handshake(r, w, []string{"v4.channel.k8s.io"}); err != nil {
		return
	}
	streams := make(chan httpstream.Stream, 4)
	connection := spdy.NewResponseUpgrader().UpgradeResponse(w, r, func(stream httpstream.Stream, answered <-chan struct{}) error {
		go func() { <-answered; streams <- stream }()
		return nil
	})
	if connection == nil {
		return
	}
	defer func() { _ = connection.Close() }()
	of := map[string]httpstream.Stream{}
	for range cap(streams) {
		stream := <-streams
		of[stream.Headers().Get(corev1.StreamType)] = stream
	}
	text, _ := io.ReadAll(of[corev1.StreamTypeStdin])
	b.received.Add(int32(len(text))) //nolint:gosec // a few bytes
	_, _ = of[corev1.StreamTypeStdout].Write(append(text, text...))
	_, _ = io.WriteString(
		of[corev1.StreamTypeError],
		`{"metadata":{},"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"7"}]}}`,
	)
}

// through starts a proxy to the backend, with a fault for the first of equal exchanges, and returns the configuration of its client.
func through(t *testing.T, b *backend, fault faultproxy.Fault) (*faultproxy.Proxy, *rest.Config) {
	t.Helper()
	proxy, err := faultproxy.Start(&rest.Config{Host: b.url, BearerToken: "of-the-cluster"}, func(e faultproxy.Exchange) faultproxy.Fault {
		if e.Nth > 1 {
			return faultproxy.Fault{}
		}
		return fault
	})
	require.NoError(t, err)
	t.Cleanup(proxy.Close)
	file := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, proxy.WriteKubeconfig(file))
	config, err := clientcmd.BuildConfigFromFlags("", file)
	require.NoError(t, err)
	config.Timeout = 2 * time.Second
	return proxy, config
}

func create(t *testing.T, config *rest.Config, options metav1.CreateOptions) error {
	t.Helper()
	kube, err := kubernetes.NewForConfig(config)
	require.NoError(t, err)
	_, err = kube.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{}, options)
	return err
}

func run(t *testing.T, config *rest.Config) (stdout string, err error) {
	t.Helper()
	remote, err := podexec.New(config, podexec.WithTransport(podexec.SPDY))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	var out bytes.Buffer
	err = remote.Exec(
		ctx, podexec.Container{Namespace: "ns", Pod: "pg"}, []string{"psql"},
		podexec.Streams{Stdin: strings.NewReader("0123456789"), Stdout: &out},
	)
	return out.String(), err
}

func TestAnUndisturbedRunIsRecorded(t *testing.T) {
	proxy, config := through(t, newBackend(t), faultproxy.Fault{})
	require.NoError(t, create(t, config, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}))
	require.NoError(t, create(t, config, metav1.CreateOptions{}))
	require.NoError(t, create(t, config, metav1.CreateOptions{}))
	stdout, err := run(t, config)
	require.ErrorAs(t, err, new(*podexec.ExitError))
	assert.Equal(t, "01234567890123456789", stdout)
	assert.Equal(t, []faultproxy.Exchange{
		{Request: "POST /api/v1/namespaces (dry run)", Nth: 1},
		{Request: "POST /api/v1/namespaces", Nth: 1},
		{Request: "POST /api/v1/namespaces", Nth: 2},
		{Request: "POST /api/v1/namespaces/ns/pods/pg/exec", Nth: 1, Exec: true, Protocol: "spdy/3.1", Stdin: 10, Stdout: 20},
	}, proxy.Exchanges())
	assert.Equal(t, "POST /api/v1/namespaces #2", proxy.Exchanges()[2].String())
}

func TestARequestIsDisturbed(t *testing.T) {
	conflict := func(t *testing.T, err error) { t.Helper(); assert.True(t, apierrors.IsConflict(err), err) }
	repeated := func(t *testing.T, err error) { t.Helper(); require.NoError(t, err, "client-go waits and tries again") }
	broken := func(t *testing.T, err error) {
		t.Helper()
		require.Error(t, err)
		require.NotErrorAs(t, err, new(*apierrors.StatusError))
	}
	for name, test := range map[string]struct {
		fault faultproxy.Fault
		acted int32
		check func(*testing.T, error)
	}{
		"409":            {faultproxy.Fault{Action: faultproxy.Answer, Code: http.StatusConflict}, 0, conflict},
		"429":            {faultproxy.Fault{Action: faultproxy.Answer, Code: http.StatusTooManyRequests}, 1, repeated},
		"refused":        {faultproxy.Fault{Action: faultproxy.Refuse}, 0, func(t *testing.T, err error) { t.Helper(); require.Error(t, err) }},
		"reset before":   {faultproxy.Fault{Action: faultproxy.Reset}, 0, broken},
		"reset after":    {faultproxy.Fault{Action: faultproxy.Reset, Moment: faultproxy.After}, 1, broken},
		"stopped before": {faultproxy.Fault{Action: faultproxy.Resume}, 1, func(t *testing.T, err error) { t.Helper(); require.NoError(t, err) }},
		"stopped after":  {faultproxy.Fault{Action: faultproxy.Resume, Moment: faultproxy.After}, 1, func(t *testing.T, err error) { t.Helper(); require.NoError(t, err) }},
		"stall before":   {faultproxy.Fault{Action: faultproxy.Stall}, 0, broken},
		"stall after":    {faultproxy.Fault{Action: faultproxy.Stall, Moment: faultproxy.After}, 1, broken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBackend(t)
			called := atomic.Bool{}
			test.fault.Call = func() { called.Store(true) }
			_, config := through(t, b, test.fault)
			test.check(t, create(t, config, metav1.CreateOptions{}))
			assert.Equal(t, test.acted, b.acted.Load())
			assert.True(t, called.Load())
		})
	}
}

func TestAnExecIsDisturbed(t *testing.T) {
	const whole, exit = "01234567890123456789", "exit status 7"
	for name, test := range map[string]struct {
		fault    faultproxy.Fault
		received int32
		stdout   string
		ends     string // part of the error; empty: success
	}{
		"upgrade refused":   {faultproxy.Fault{Action: faultproxy.Refuse}, 0, "", "400 Bad Request"},
		"cut in stdin":      {faultproxy.Fault{Action: faultproxy.Reset, Moment: faultproxy.MidStdin, Bytes: 4}, 4, "", ""},
		"cut in stdout":     {faultproxy.Fault{Action: faultproxy.Reset, Moment: faultproxy.MidStdout, Bytes: 14}, 10, "01234567890123", ""},
		"cut before status": {faultproxy.Fault{Action: faultproxy.Reset, Moment: faultproxy.After}, 10, "01234567890123456789", ""},
		"stalled":           {faultproxy.Fault{Action: faultproxy.Stall, Moment: faultproxy.After}, 10, "01234567890123456789", "deadline exceeded"},
		"stopped before":    {faultproxy.Fault{Action: faultproxy.Resume}, 10, whole, exit},
		"stopped in stdin":  {faultproxy.Fault{Action: faultproxy.Resume, Moment: faultproxy.MidStdin, Bytes: 4}, 10, whole, exit},
		"stopped in stdout": {faultproxy.Fault{Action: faultproxy.Resume, Moment: faultproxy.MidStdout, Bytes: 14}, 10, whole, exit},
		"stopped at status": {faultproxy.Fault{Action: faultproxy.Resume, Moment: faultproxy.After}, 10, whole, exit},
		"false success":     {faultproxy.Fault{Action: faultproxy.Swallow, Moment: faultproxy.After}, 10, "01234567890123456789", ""},
		"short success":     {faultproxy.Fault{Action: faultproxy.Swallow, Moment: faultproxy.MidStdout, Bytes: 14}, 10, "01234567890123", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBackend(t)
			called := atomic.Int32{}
			test.fault.Call = func() { called.Add(1) }
			_, config := through(t, b, test.fault)
			stdout, err := run(t, config)
			assert.Equal(t, int32(1), called.Load())
			if test.ends == "" {
				// The exec API reports every cut stream as a success.
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, test.ends)
			}
			assert.Equal(t, test.stdout, stdout)
			assert.Eventually(t, func() bool { return b.received.Load() == test.received }, time.Second, 10*time.Millisecond)
		})
	}
}
