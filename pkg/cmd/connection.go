package cmd

import (
	"crypto/tls"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"

	utilnet "k8s.io/apimachinery/pkg/util/net"
)

// dial lets the first request open the connection to the API server, while other requests wait and then share it. Otherwise each would
// open its own connection, whose handshake costs more than the request. The zero value is ready for use.
type dial struct {
	mu     sync.Mutex
	opened chan struct{} // nil: no request yet; closed after the connection was opened or failed
}

// first reports whether the caller must open the connection and then call open.
func (d *dial) first() (first bool, opened <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.opened == nil {
		d.opened = make(chan struct{})
		return true, d.opened
	}
	return false, d.opened
}

// resume lets a transport resume the TLS sessions in cache. Each exec has a connection of its own, and a full handshake costs both sides a
// signature. A transport that does not expose its TLS configuration stays unchanged.
func resume(transport http.RoundTripper, cache tls.ClientSessionCache) {
	secured, err := utilnet.TLSClientConfig(transport)
	if err == nil && secured != nil && secured.ClientSessionCache == nil {
		secured.ClientSessionCache = cache
	}
}

// sharedTransport sends requests over the connection that the first one opens.
type sharedTransport struct {
	*dial
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t sharedTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	if strings.HasSuffix(request.URL.Path, "/exec") {
		return t.next.RoundTrip(request) // an upgraded connection is not shared
	}
	first, opened := t.first()
	if first {
		open := sync.OnceFunc(func() { close(t.opened) })
		defer open()
		trace := &httptrace.ClientTrace{WroteHeaders: open}
		return t.next.RoundTrip(request.WithContext(httptrace.WithClientTrace(request.Context(), trace)))
	}
	select {
	case <-opened:
		return t.next.RoundTrip(request)
	case <-request.Context().Done():
		return nil, request.Context().Err()
	}
}
