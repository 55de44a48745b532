package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// auditLog is the path of the audit log in the folder of logs that the node's kubelet serves.
const auditLog = "kubernetes/audit.log"

// AuditLog is a position in the API server's audit log.
type AuditLog struct {
	harness *Harness
	address string
	offset  int64
}

// AuditLog returns the current end of the audit log; Since returns what follows it. It needs permission for nodes/proxy.
func (h *Harness) AuditLog(ctx context.Context) (*AuditLog, error) {
	nodes, err := h.Client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("find the node of the API server: %w", err)
	}
	if len(nodes.Items) != 1 {
		return nil, errors.New("the test cluster has not exactly one node")
	}
	address, err := url.JoinPath(h.server, "api/v1/nodes", nodes.Items[0].Name, "proxy/logs", auditLog)
	if err != nil {
		return nil, fmt.Errorf("make the address of the audit log: %w", err)
	}
	log := &AuditLog{harness: h, address: address}
	last, err := log.request(ctx, "bytes=-1")
	if err != nil {
		return nil, err
	}
	_, size, _ := strings.Cut(last.Header.Get("Content-Range"), "/")
	if log.offset, err = strconv.ParseInt(size, 10, 64); err != nil {
		return nil, fmt.Errorf("find the end of the audit log: %w", err)
	}
	return log, last.Body.Close()
}

// Since reads what was logged after the position, one JSON object a line.
func (l *AuditLog) Since(ctx context.Context) (string, error) {
	response, err := l.request(ctx, fmt.Sprintf("bytes=%d-", l.offset))
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return "", fmt.Errorf("read the audit log: %w", err)
	}
	return string(text), nil
}

// request requests a part of the log.
func (l *AuditLog) request(ctx context.Context, part string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, l.address, nil)
	if err != nil {
		return nil, fmt.Errorf("make the request for the audit log: %w", err)
	}
	request.Header.Set("Accept-Encoding", "identity") // ranges refer to the file, not to a compressed answer
	request.Header.Set("Range", part)
	response, err := l.harness.web.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask for the audit log: %w", err)
	}
	if response.StatusCode != http.StatusPartialContent {
		_ = response.Body.Close()
		return nil, fmt.Errorf("ask for the audit log: the kubelet answered %q", response.Status)
	}
	return response, nil
}
