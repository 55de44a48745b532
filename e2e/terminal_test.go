//go:build e2e

package e2e

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// terminal is a command on a pseudo-terminal, and what it wrote there.
type terminal struct {
	f    *fixture
	cmd  *exec.Cmd
	pty  *os.File
	done chan struct{} // closed when the command wrote its last

	mu   sync.Mutex
	text strings.Builder
	read int // how much of the text was expected already
}

// terminal starts the command on a pseudo-terminal of that size.
func (f *fixture) terminal(command *harness.Command, rows, columns uint16) *terminal {
	f.t.Helper()
	t := &terminal{f: f, cmd: command.Cmd(f.ctx), done: make(chan struct{})}
	var err error
	t.pty, err = pty.StartWithSize(t.cmd, &pty.Winsize{Rows: rows, Cols: columns})
	require.NoError(f.t, err)
	f.t.Cleanup(func() { _ = t.pty.Close() })
	go func() {
		defer close(t.done)
		buffer := make([]byte, 4096)
		for {
			n, err := t.pty.Read(buffer)
			t.mu.Lock()
			t.text.Write(buffer[:n])
			t.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return t
}

// expect waits until the command writes the text, after what was expected before.
func (t *terminal) expect(text string) {
	t.f.t.Helper()
	err := wait.PollUntilContextTimeout(t.f.ctx, 50*time.Millisecond, 30*time.Second, true, func(context.Context) (bool, error) {
		t.mu.Lock()
		defer t.mu.Unlock()
		before, _, found := strings.Cut(t.text.String()[t.read:], text)
		if found {
			t.read += len(before) + len(text)
		}
		return found, nil
	})
	require.NoError(t.f.t, err, "waiting for %q; all that came: %q", text, t.all())
}

// send types the text.
func (t *terminal) send(text string) {
	t.f.t.Helper()
	_, err := t.pty.WriteString(text)
	require.NoError(t.f.t, err)
}

func (t *terminal) resize(rows, columns uint16) {
	t.f.t.Helper()
	require.NoError(t.f.t, pty.Setsize(t.pty, &pty.Winsize{Rows: rows, Cols: columns}))
}

// end waits for the end of the command, and returns its exit code.
func (t *terminal) end() int {
	t.f.t.Helper()
	_ = t.cmd.Wait() // the code says it
	<-t.done
	return t.cmd.ProcessState.ExitCode()
}

// all is everything that the command wrote.
func (t *terminal) all() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}
