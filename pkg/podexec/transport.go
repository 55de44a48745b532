package podexec

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
)

// Transport is the protocol that carries the streams to the API server.
type Transport int

const (
	// Auto uses SPDY, and WebSocket if a proxy or the API server refuses SPDY.
	Auto Transport = iota
	// SPDY needs the verb create on pods/exec.
	SPDY
	// WebSocket needs the verbs get and create on pods/exec.
	WebSocket
)

// call is the request to run one command.
type call struct {
	config  *rest.Config
	url     url.URL
	program string
	streams remotecommand.StreamOptions
}

// run runs c over t. When it falls back to WebSocket, nothing has run and no stdin has been read.
func (t Transport) run(ctx context.Context, c call) error {
	switch t {
	case SPDY:
		return c.attempt(ctx, overSPDY)
	case WebSocket:
		return c.attempt(ctx, overWebSocket)
	}
	first := c.attempt(ctx, overSPDY)
	if !otherTransportMayWork(first) {
		return first
	}
	second := c.attempt(ctx, overWebSocket)
	if isRefusal(second) && second.Error() != first.Error() {
		return fmt.Errorf("WebSocket: %w (SPDY: %w)", second, first)
	}
	return second
}

type newExecutor func(*rest.Config, *url.URL) (remotecommand.Executor, error)

// attempt runs c over one transport. The error is a *refusal if the streams were not opened.
func (c call) attempt(ctx context.Context, over newExecutor) error {
	opened := &upgrade{query: c.url.RawQuery}
	config := rest.CopyConfig(c.config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		opened.next = next
		return opened
	})
	// The layers above put the URL into errors and logs, so they get a URL without the command.
	bare := c.url
	bare.RawQuery = ""
	executor, err := over(config, &bare)
	if err != nil {
		return err
	}
	err = executor.StreamWithContext(ctx, c.streams)
	if opened.refused != nil {
		return opened.refused
	}
	return remoteError(err, c.program)
}

func overSPDY(config *rest.Config, to *url.URL) (remotecommand.Executor, error) {
	return remotecommand.NewSPDYExecutor(config, http.MethodPost, to)
}

func overWebSocket(config *rest.Config, to *url.URL) (remotecommand.Executor, error) {
	return remotecommand.NewWebSocketExecutor(config, http.MethodGet, to.String())
}
