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

// maxStatus limits how much of an answer is read. Every Status of an API server is smaller.
const maxStatus = 64 << 10

// upgrade is the HTTP round trip that opens the streams of one attempt. It keeps the error, because client-go converts errors to plain
// text. Every answer other than 101 is an error: a redirect would send the command to a host that the user did not choose. It is not safe
// for parallel use.
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

// refusal is the reason why an attempt opened no streams.
type refusal struct{ cause error }

func (r *refusal) Error() string { return r.cause.Error() }
func (r *refusal) Unwrap() error { return r.cause }

func isRefusal(err error) bool {
	_, ok := errors.AsType[*refusal](err)
	return ok
}

// otherTransportMayWork reports whether err is a refusal of this transport only. It is not if the API server refused the user or the Pod,
// or if the server cannot be reached.
func otherTransportMayWork(err error) bool {
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

// httpError is an answer from something other than an API server.
type httpError struct{ status string }

func (e *httpError) Error() string {
	return fmt.Sprintf("a proxy or load balancer answered %q to the upgrade request", e.status)
}

// answerError converts an answer other than 101 to a *apierrors.StatusError if it is from an API server, or else to a *httpError.
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

// withoutBody returns the cause of client-go's WebSocket refusal: the API server's Status, or the status line of the answer. The outer
// errors quote the body, in which a proxy can repeat the URL and so the command.
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
