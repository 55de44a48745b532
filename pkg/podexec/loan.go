package podexec

import (
	"io"
	"sync"
)

// loan lends the caller's streams to client-go, whose goroutines may outlive the call, and takes them back.
// The zero value is ready for use.
type loan struct {
	mu   sync.Mutex
	over bool
}

// end makes the lent streams inert. It waits for a Write in progress.
func (l *loan) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
}

// reader lends r; after the end it is at EOF.
func (l *loan) reader(r io.Reader) io.Reader {
	if r == nil {
		return nil
	}
	return readerFunc(func(p []byte) (int, error) {
		l.mu.Lock()
		over := l.over
		l.mu.Unlock()
		if over {
			return 0, io.EOF
		}
		return r.Read(p) // outside the lock: it may block for as long as a person types
	})
}

// writer lends w; after the end what is written is dropped without an error, which client-go would log.
func (l *loan) writer(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return writerFunc(func(p []byte) (int, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.over {
			return len(p), nil
		}
		return w.Write(p)
	})
}

type (
	readerFunc func([]byte) (int, error)
	writerFunc func([]byte) (int, error)
)

func (f readerFunc) Read(p []byte) (int, error)  { return f(p) }
func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
