package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

// trace prints the duration of every request and exec. It never prints a query or a body, which can contain a command or a Secret.
type trace struct {
	start time.Time
	mu    sync.Mutex
	out   io.Writer
}

type traceKey struct{}

// WithTrace returns a context whose requests and execs are printed to out.
func WithTrace(ctx context.Context, out io.Writer) context.Context {
	return context.WithValue(ctx, traceKey{}, &trace{start: time.Now(), out: out})
}

// traceOf returns the trace in ctx, or nil.
func traceOf(ctx context.Context) *trace {
	t, _ := ctx.Value(traceKey{}).(*trace)
	return t
}

func (t *trace) line(what string, took time.Duration, outcome any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.out, "%7.3fs %s %v in %dms\n", time.Since(t.start).Seconds(), what, outcome, took.Milliseconds())
}

// tracedTransport traces requests.
type tracedTransport struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t tracedTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	trace := traceOf(request.Context())
	if trace == nil {
		return t.next.RoundTrip(request)
	}
	start := time.Now()
	response, err := t.next.RoundTrip(request)
	outcome := "no response"
	if err == nil {
		outcome = response.Status
	}
	trace.line(request.Method+" "+request.URL.Path, time.Since(start), outcome)
	return response, err
}

// tracedExec traces execs.
type tracedExec struct{ next podexec.Executor }

// Exec implements podexec.Executor.
func (e tracedExec) Exec(ctx context.Context, c podexec.Container, argv []string, s podexec.Streams) error {
	trace := traceOf(ctx)
	if trace == nil {
		return e.next.Exec(ctx, c, argv, s)
	}
	return podexec.Traced(e.next, func(t podexec.Trace) {
		outcome, exit := "done", (*podexec.ExitError)(nil)
		switch {
		case errors.As(t.Err, &exit):
			outcome = exit.Error() // psql fails if the server correctly rejects a login without a password
		case t.Err != nil:
			outcome = "failed"
		}
		trace.line("exec in "+t.Target.String(), t.Duration, outcome)
	}).Exec(ctx, c, argv, s)
}
