package podexec

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/streaming/pkg/httpstream"
)

// maxStatus is more than any Status of an API server and little enough to read from anybody.
const maxStatus = 64 << 10

// upgrade is the HTTP round trip that opens the streams of one attempt. client-go turns its failures into plain
// text, so it keeps them. An answer other than 101 is an error at once: a redirect would carry the command to a host
// that nobody chose. One goroutine uses it.
type upgrade struct {
	next    http.RoundTripper
	query   string
	refused *refusal
}

// RoundTrip implements http.RoundTripper.
func (u *upgrade) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.URL.RawQuery = u.query
	response, err := u.next.RoundTrip(request)
	if err == nil {
		if response.StatusCode == http.StatusSwitchingProtocols {
			return response, nil
		}
		err = answerError(response)
		_ = response.Body.Close()
	}
	u.refused = &refusal{cause: withoutBody(err)}
	return nil, u.refused
}

// refusal is why an attempt opened no streams.
type refusal struct{ cause error }

func (r *refusal) Error() string { return r.cause.Error() }
func (r *refusal) Unwrap() error { return r.cause }

func isRefusal(err error) bool {
	_, ok := errors.AsType[*refusal](err)
	return ok
}

// obstructed tells whether err is a refusal that another transport may get around: neither the API server's own word
// on who may do what to which Pod, nor a server out of reach.
func obstructed(err error) bool {
	if !isRefusal(err) {
		return false
	}
	if apierrors.IsUnauthorized(err) || apierrors.IsForbidden(err) || apierrors.IsNotFound(err) {
		return false
	}
	if _, ok := errors.AsType[*apierrors.StatusError](err); ok {
		return true
	}
	_, answered := errors.AsType[*httpError](err)
	return answered || utilnet.IsProbableEOF(errors.Unwrap(err)) || utilnet.IsConnectionReset(err)
}

// httpError is an answer that does not come from an API server.
type httpError struct{ status string }

func (e *httpError) Error() string {
	return fmt.Sprintf("a proxy or load balancer answered %q to the upgrade request", e.status)
}

// answerError reads an answer other than 101: a *apierrors.StatusError if an API server gave it, else a *httpError.
func answerError(response *http.Response) error {
	var status metav1.Status
	body, err := io.ReadAll(io.LimitReader(response.Body, maxStatus))
	if err != nil || json.Unmarshal(body, &status) != nil || status.Kind != "Status" || status.Status != metav1.StatusFailure {
		return &httpError{status: response.Status}
	}
	if status.Code == 0 {
		status.Code = int32(response.StatusCode) //nolint:gosec // an HTTP status has three digits
	}
	return &apierrors.StatusError{ErrStatus: status}
}

// withoutBody takes from client-go's WebSocket refusal what matters: the API server's Status, or else the answer's
// status line. The outer texts quote the body, in which a proxy may repeat the URL and with it the command.
func withoutBody(err error) error {
	refused, ok := errors.AsType[*httpstream.UpgradeFailureError](err)
	if !ok {
		return err
	}
	cause := refused.Cause
	for inner := errors.Unwrap(cause); inner != nil && errors.Unwrap(inner) != nil; inner = errors.Unwrap(cause) {
		cause = inner
	}
	return cause
}
