package client

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync/atomic"

	"k8s.io/client-go/transport"
)

// UnreachedError means that no connection to the API server could be opened and that it has not answered any request of
// this run, so that nothing was written.
type UnreachedError struct{ Err error }

func (e *UnreachedError) Error() string { return e.Err.Error() }

func (e *UnreachedError) Unwrap() error { return e.Err }

// untilReached marks the errors of connections until the API server has answered one request. Later, an error keeps its
// context: something can have been written.
func untilReached() transport.WrapperFunc {
	reached := &atomic.Bool{}
	return func(next http.RoundTripper) http.RoundTripper { return reachTransport{next, reached} }
}

type reachTransport struct {
	next    http.RoundTripper
	reached *atomic.Bool
}

// RoundTrip implements http.RoundTripper.
func (t reachTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := t.next.RoundTrip(request)
	switch {
	case err == nil:
		t.reached.Store(true)
	case !t.reached.Load() && cannotConnect(err):
		err = &UnreachedError{err}
	}
	return response, err
}

// cannotConnect reports whether there was no connection: nobody listens, the name is unknown, or the certificate is not trusted.
func cannotConnect(err error) bool {
	dial, certificate := (*net.OpError)(nil), (*tls.CertificateVerificationError)(nil)
	return errors.As(err, &dial) && dial.Op == "dial" || errors.As(err, &certificate)
}
