package faultproxy

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
)

// intercept connects the two ends of an exec. It reads SPDY frames; WebSocket passes unread.
func (pass *passage) intercept(response *http.Response) error {
	connection, ok := response.Body.(io.ReadWriteCloser)
	if !ok {
		return errors.New("the connection to the API server cannot be written to")
	}
	protocol := strings.ToLower(response.Header.Get("Upgrade"))
	pass.proxy.update(func() { pass.exchange.Protocol = protocol })
	if strings.HasPrefix(protocol, "spdy/") {
		response.Body = &stream{server: connection, pass: pass, kinds: newKinds(), closed: make(chan struct{})}
	}
	return nil
}

// stream is the connection to the API server, which counts and cuts the data. One goroutine writes, one reads.
type stream struct {
	server   io.ReadWriteCloser
	pass     *passage
	kinds    *kinds
	up, down splitter
	ready    []byte // for the reader
	err      error  // for the reader, after what is ready
	swallows bool   // whether the output of the command is dropped
	closed   chan struct{}
	once     sync.Once
}

// Write forwards what the client sends.
func (s *stream) Write(p []byte) (int, error) {
	for _, f := range s.up.split(p) {
		s.kinds.learn(f)
		passed, err := s.toServer(f)
		if _, writeErr := s.server.Write(passed); writeErr != nil {
			return 0, writeErr
		}
		if err != nil {
			return 0, s.end(err)
		}
	}
	return len(p), nil
}

// toServer returns what goes on of a frame.
func (s *stream) toServer(f frame) ([]byte, error) {
	if s.kinds.of(f) != corev1.StreamTypeStdin {
		return f, nil
	}
	return s.counted(f, MidStdin, &s.pass.exchange.Stdin)
}

// counted forwards a data frame, and cuts it at the byte of the fault.
func (s *stream) counted(f frame, moment Moment, count *int) ([]byte, error) {
	before := *count
	s.pass.proxy.update(func() { *count += len(f.data()) })
	fault := s.pass.fault
	if *count <= fault.Bytes {
		return f, nil
	}
	if fault.stops(moment) {
		return s.interrupted(f, max(0, fault.Bytes-before), moment)
	}
	if !fault.strikes(moment) {
		return f, nil
	}
	return f.first(max(0, fault.Bytes-before)), s.strike()
}

// interrupted forwards the first n bytes of a frame to the command, waits, and returns the rest. A frame from the command waits as a whole.
func (s *stream) interrupted(f frame, n int, moment Moment) (rest []byte, err error) {
	rest = f
	if moment == MidStdin && n > 0 {
		var first frame
		first, rest = f.cut(n)
		_, err = s.server.Write(first)
	}
	s.pass.stop(moment)
	return rest, err
}

// strike applies a fault in the middle of a stream.
func (s *stream) strike() error {
	s.pass.fault.call()
	switch s.pass.fault.Action {
	case Swallow:
		s.swallows = true
		return nil
	case Stall:
		return errStalled
	}
	return errStruck
}

// errStalled ends a direction that is stalled.
var errStalled = errors.New("stalled by a fault of the test")

// end returns err. For a stalled direction it waits until the client is gone.
func (s *stream) end(err error) error {
	if errors.Is(err, errStalled) {
		<-s.closed
	}
	return err
}

// Read returns what the API server sends.
func (s *stream) Read(p []byte) (int, error) {
	for len(s.ready) == 0 && s.err == nil {
		chunk := make([]byte, 32<<10)
		n, err := s.server.Read(chunk)
		for _, f := range s.down.split(chunk[:n]) {
			if s.err == nil {
				var passed []byte
				passed, s.err = s.toClient(f)
				s.ready = append(s.ready, passed...)
			}
		}
		if s.err == nil {
			s.err = err
		}
	}
	n := copy(p, s.ready)
	s.ready = s.ready[n:]
	if n == 0 && len(s.ready) == 0 {
		return 0, s.end(s.err)
	}
	return n, nil
}

// toClient returns what goes on of a frame.
func (s *stream) toClient(f frame) ([]byte, error) {
	kind := s.kinds.of(f)
	says := kind == corev1.StreamTypeStdout || kind == corev1.StreamTypeError && len(f.data()) > 0
	switch {
	case says && s.swallows:
		return f.first(0), nil
	case kind == corev1.StreamTypeStdout:
		return s.counted(f, MidStdout, &s.pass.exchange.Stdout)
	case says && s.pass.fault.stops(After):
		s.pass.stop(After)
	case says && s.pass.fault.strikes(After):
		return f.first(0), s.strike()
	}
	return f, nil
}

// Close ends the connection and everything that waits in it.
func (s *stream) Close() error {
	s.once.Do(func() { close(s.closed) })
	return s.server.Close()
}
