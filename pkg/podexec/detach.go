package podexec

import (
	"io"
	"sync"
)

// detachable wraps the caller's streams. client-go's goroutines can outlive the call: after detach, they no longer reach the streams.
// The zero value is ready for use.
type detachable struct {
	mu       sync.Mutex
	detached bool
}

// detach disconnects the streams. It waits for a Write in progress.
func (d *detachable) detach() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.detached = true
}

// reader wraps r. After detach it returns EOF.
func (d *detachable) reader(r io.Reader) io.Reader {
	if r == nil {
		return nil
	}
	return readerFunc(func(p []byte) (int, error) {
		d.mu.Lock()
		detached := d.detached
		d.mu.Unlock()
		if detached {
			return 0, io.EOF
		}
		return r.Read(p) // without the lock, because it can block while a person types
	})
}

// writer wraps w. After detach it discards what is written. It returns no error, because client-go would log one.
func (d *detachable) writer(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return writerFunc(func(p []byte) (int, error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.detached {
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
