package podexec

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
)

// Transport is how streams travel to the API server.
type Transport int

const (
	// Auto is SPDY, and WebSocket where something on the way does not let SPDY through.
	Auto Transport = iota
	// SPDY needs the verb create on pods/exec.
	SPDY
	// WebSocket needs the verbs get and create on pods/exec.
	WebSocket
)

// call is one command on its way to a container.
type call struct {
	config  *rest.Config
	url     url.URL
	program string
	streams remotecommand.StreamOptions
}

// run runs c over t. Before it falls back, nothing has run and no stdin was read.
func (t Transport) run(ctx context.Context, c call) error {
	switch t {
	case SPDY:
		return c.attempt(ctx, overSPDY)
	case WebSocket:
		return c.attempt(ctx, overWebSocket)
	}
	first := c.attempt(ctx, overSPDY)
	if !obstructed(first) {
		return first
	}
	second := c.attempt(ctx, overWebSocket)
	if isRefusal(second) && second.Error() != first.Error() {
		return fmt.Errorf("WebSocket: %w (SPDY before it: %w)", second, first)
	}
	return second
}

type newExecutor func(*rest.Config, *url.URL) (remotecommand.Executor, error)

// attempt runs c over one transport. The error is a *refusal when the streams were never opened.
func (c call) attempt(ctx context.Context, over newExecutor) error {
	up := &upgrade{query: c.url.RawQuery}
	config := rest.CopyConfig(c.config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		up.next = next
		return up
	})
	// Layers above upgrade put the URL into their errors and logs, so they get it without the command.
	bare := c.url
	bare.RawQuery = ""
	executor, err := over(config, &bare)
	if err != nil {
		return err
	}
	err = executor.StreamWithContext(ctx, c.streams)
	if up.refused != nil {
		return up.refused
	}
	return remoteError(err, c.program)
}

func overSPDY(config *rest.Config, to *url.URL) (remotecommand.Executor, error) {
	return remotecommand.NewSPDYExecutor(config, http.MethodPost, to)
}

func overWebSocket(config *rest.Config, to *url.URL) (remotecommand.Executor, error) {
	return remotecommand.NewWebSocketExecutor(config, http.MethodGet, to.String())
}
