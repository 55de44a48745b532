package podexec_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	remotecommandconsts "k8s.io/apimachinery/pkg/util/remotecommand"
	"k8s.io/client-go/util/exec"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"
	"k8s.io/streaming/pkg/httpstream/wsstream"
)

// command is a program in the container of a server.
type command func(argv []string, stdin io.Reader, stdout, stderr io.Writer) error

// errCut makes a server close the streams without a status.
var errCut = errors.New("cut")

// server is the server side of the exec API over SPDY and WebSocket.
type server struct {
	*httptest.Server
	run     command
	serving atomic.Int32   // requests that have not ended
	resizes chan io.Reader // of the last command with a terminal
	mu      sync.Mutex
	methods []string
}

func newServer(t *testing.T, run command) *server {
	t.Helper()
	s := &server{run: run, resizes: make(chan io.Reader, 1)}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// seen returns the methods of the requests so far: POST is SPDY, GET is WebSocket.
func (s *server) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.methods...)
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.serving.Add(1)
	defer s.serving.Add(-1)
	s.mu.Lock()
	s.methods = append(s.methods, r.Method)
	s.mu.Unlock()
	switch {
	case r.URL.Path != "/api/v1/namespaces/data/pods/db-0/exec" || r.URL.Query().Get("container") != "postgres":
		http.Error(w, "unexpected request "+r.URL.String(), http.StatusTeapot)
	case wsstream.IsWebSocketRequest(r) && r.Method == http.MethodGet:
		s.serveWebSocket(w, r)
	case r.Header.Get("Upgrade") == spdy.HeaderSpdy31 && r.Method == http.MethodPost:
		s.serveSPDY(w, r)
	default:
		refuse(w, apierrors.NewBadRequest("Upgrade request required"))
	}
}

func (s *server) serveWebSocket(w http.ResponseWriter, r *http.Request) {
	channels := []wsstream.ChannelType{
		wsstream.IgnoreChannel, wsstream.WriteChannel, wsstream.WriteChannel, wsstream.WriteChannel,
		wsstream.IgnoreChannel,
	}
	if r.URL.Query().Get("stdin") == "true" {
		channels[0] = wsstream.ReadChannel
	}
	if r.URL.Query().Get("tty") == "true" {
		channels[2], channels[4] = wsstream.IgnoreChannel, wsstream.ReadChannel
	}
	conn := wsstream.NewConn(map[string]wsstream.ChannelProtocolConfig{
		remotecommandconsts.StreamProtocolV5Name: {Binary: true, Channels: channels},
	})
	_, streams, err := conn.Open(w, r)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	s.forgetSizes()
	s.resizes <- streams[4]
	s.finish(r, streams[3], [3]io.ReadWriter{streams[0], streams[1], streams[2]})
}

func (s *server) serveSPDY(w http.ResponseWriter, r *http.Request) {
	if _, err := httpstream.Handshake(r, w, []string{remotecommandconsts.StreamProtocolV4Name}); err != nil {
		return
	}
	arrived := make(chan httpstream.Stream, 5)
	conn := spdy.NewResponseUpgrader().UpgradeResponse(w, r, func(stream httpstream.Stream, replySent <-chan struct{}) error {
		go func() { <-replySent; arrived <- stream }()
		return nil
	})
	if conn == nil {
		return
	}
	defer func() { _ = conn.Close() }()
	streams := map[string]httpstream.Stream{}
	expected := 1 // for the end
	for _, name := range []string{"stdin", "stdout", "stderr", "tty"} {
		if r.URL.Query().Get(name) == "true" {
			expected++
		}
	}
	for len(streams) < expected {
		select {
		case stream := <-arrived:
			streams[stream.Headers().Get(corev1.StreamType)] = stream
		case <-conn.CloseChan():
			return
		}
	}
	s.forgetSizes()
	s.resizes <- streams[corev1.StreamTypeResize]
	s.finish(r, streams[corev1.StreamTypeError], [3]io.ReadWriter{
		streams[corev1.StreamTypeStdin], streams[corev1.StreamTypeStdout], streams[corev1.StreamTypeStderr],
	})
}

// forgetSizes clears the recorded terminal sizes.
func (s *server) forgetSizes() {
	select {
	case <-s.resizes:
	default:
	}
}

// finish runs the command and reports its status on the error stream, as a kubelet does.
func (s *server) finish(r *http.Request, errorStream io.Writer, std [3]io.ReadWriter) {
	err := s.run(r.URL.Query()["command"], std[0], std[1], std[2])
	status := metav1.Status{Status: metav1.StatusSuccess}
	if exit, ok := errors.AsType[exec.CodeExitError](err); ok {
		status = metav1.Status{
			Status: metav1.StatusFailure,
			Reason: remotecommandconsts.NonZeroExitCodeReason,
			Details: &metav1.StatusDetails{
				Causes: []metav1.StatusCause{{Type: remotecommandconsts.ExitCodeCauseType, Message: strconv.Itoa(exit.Code)}},
			},
		}
	} else if errors.Is(err, errCut) {
		return
	} else if err != nil {
		status = apierrors.NewInternalError(err).ErrStatus
		if r.Method == http.MethodGet {
			status = apierrors.NewInternalError(&apierrors.StatusError{ErrStatus: status}).ErrStatus
		}
	}
	_ = json.NewEncoder(errorStream).Encode(status)
}

// refuse answers with a Status, like an API server.
func refuse(w http.ResponseWriter, err *apierrors.StatusError) {
	status := err.ErrStatus
	status.Kind, status.APIVersion = "Status", "v1"
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(int(status.Code))
	_ = json.NewEncoder(w).Encode(status)
}
