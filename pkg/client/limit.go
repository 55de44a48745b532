package client

import (
	"context"
	"net/http"

	"golang.org/x/sync/semaphore"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
)

// Limits of the client for commands that change many bindings. The number of requests in progress is the limit that matters.
const (
	requestsPerSecond = 2000
	requestBurst      = 4000
)

// ForMany allows more requests per second than one binding needs, and at most that many in progress, by all clients of the connection
// together.
func ForMany(connection *genericclioptions.ConfigFlags, inProgress int) *genericclioptions.ConfigFlags {
	wrap, atMost := connection.WrapConfigFn, AtMost(inProgress)
	return connection.WithWrapConfigFn(func(config *rest.Config) *rest.Config {
		config = wrap(config)
		config.QPS, config.Burst = requestsPerSecond, requestBurst
		config.Wrap(atMost)
		return config
	})
}

// AtMost limits the requests in progress. client-go limits only the requests per second: without AtMost, an apply of hundreds opens a
// connection for each of its first requests, and fills the API server's queues.
func AtMost(requests int) transport.WrapperFunc {
	slots := semaphore.NewWeighted(int64(requests))
	return func(next http.RoundTripper) http.RoundTripper { return limitedTransport{next, slots} }
}

type limitedTransport struct {
	next  http.RoundTripper
	slots *semaphore.Weighted
}

// RoundTrip implements http.RoundTripper.
func (t limitedTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx := request.Context()
	if err := t.slots.Acquire(ctx, 1); err != nil {
		return nil, context.Cause(ctx)
	}
	defer t.slots.Release(1)
	return t.next.RoundTrip(request)
}
