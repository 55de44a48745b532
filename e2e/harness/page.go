package harness

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// Page fetches the application's page through the API server's Service proxy, and returns its HTTP status and its body. A page
// that reports a failure is not an error.
func (n *Namespace) Page(ctx context.Context) (int, string, error) {
	return n.Fetch(ctx, Request{Method: http.MethodGet, Service: lesson.AppService + ":" + lesson.AppPort})
}

// Request is an HTTP request to a Service.
type Request struct {
	Method, Service string // Service is NAME:PORT
	Path            string
	Header          http.Header
	Body            string
}

// Fetch sends a request through the API server's Service proxy, and returns the HTTP status and the body of the
// response. The proxy removes the header Authorization.
func (n *Namespace) Fetch(ctx context.Context, r Request) (int, string, error) {
	address, err := url.JoinPath(n.server, "api/v1/namespaces", n.Name, "services", r.Service, "proxy/", r.Path)
	if err != nil {
		return 0, "", fmt.Errorf("make the address of the page: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, r.Method, address, strings.NewReader(r.Body))
	if err != nil {
		return 0, "", fmt.Errorf("make the request for the page: %w", err)
	}
	maps.Copy(request.Header, r.Header)
	response, err := n.web.Do(request)
	if err != nil {
		return 0, "", fmt.Errorf("fetch the page: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, "", fmt.Errorf("read the page: %w", err)
	}
	return response.StatusCode, string(body), nil
}

// WaitForPage fetches the page until it is the expected one. The error contains the last answer.
func (n *Namespace) WaitForPage(ctx context.Context, want string) error {
	last := ""
	err := wait.PollUntilContextTimeout(ctx, time.Second, time.Minute, true, func(ctx context.Context) (bool, error) {
		_, body, err := n.Page(ctx)
		if last = body; err != nil {
			last = err.Error()
		}
		return body == want, nil
	})
	if err != nil {
		return fmt.Errorf("wait for the page %q: %w; the last answer was %q", want, err, last)
	}
	return nil
}
