package printers

import (
	"bytes"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// longStep is longer than a line of the terminal.
const longStep = "login as pgb_abcdefghijkl_1 over postgresql-svc.a-namespace-of-some-length.svc.cluster.local verified"

// onTerminal returns what a terminal of 80 columns shows after draw ran.
func onTerminal(t *testing.T, draw func(streams genericiooptions.IOStreams)) string {
	t.Helper()
	return withTerminal(t, func(io.Writer) {}, draw)
}

// withTerminal is onTerminal with input that is typed ahead.
func withTerminal(t *testing.T, typed func(io.Writer), draw func(streams genericiooptions.IOStreams)) string {
	t.Helper()
	terminal, program, err := pty.Open()
	require.NoError(t, err)
	typed(terminal)
	defer func() { require.NoError(t, terminal.Close()) }()
	require.NoError(t, pty.Setsize(program, &pty.Winsize{Rows: 24, Cols: 80}))
	shown := make(chan string)
	go func() {
		text, _ := io.ReadAll(terminal) // returns an error when the other side is closed
		shown <- string(text)
	}()
	draw(genericiooptions.IOStreams{In: program, Out: program, ErrOut: program})
	require.NoError(t, program.Close())
	select {
	case text := <-shown:
		return strings.ReplaceAll(text, "\r\n", "\n")
	case <-time.After(10 * time.Second):
		require.Fail(t, "the terminal was not closed")
		return ""
	}
}

func TestConsole_IsSafeForConcurrentUse(t *testing.T) {
	var out bytes.Buffer
	console := NewConsole(&out)
	var reporters sync.WaitGroup
	for range 8 {
		reporters.Go(func() { console.progress("a step") })
	}
	reporters.Wait()
	assert.Equal(t, strings.Repeat("a step\n", 8), out.String())
}

// reportAll prints one message of each kind, some time after the one before.
func reportAll(streams genericiooptions.IOStreams) {
	r := NewReport(streams, "")
	r.Step("role %s created", "pgb_abcdefghijkl_1")
	r.console.last = r.console.last.Add(-1200 * time.Millisecond)
	r.Step(longStep)
	r.Warn("the password is not verified: the server trusts connections to postgresql-svc without asking for it")
	r.Done("secret/postgresql-secret-2", "created")
}

func TestConsole_PrintsDurationsAndWrapsOnTerminal(t *testing.T) {
	t.Setenv("TERM", "xterm")
	allowColour(t)
	assert.Equal(t, `role pgb_abcdefghijkl_1 created
login as pgb_abcdefghijkl_1 over
postgresql-svc.a-namespace-of-some-length.svc.cluster.local verified (1.2s)
`+"\x1b[33;1mWarning:\x1b[0m"+` the password is not verified: the server trusts connections
to postgresql-svc without asking for it
secret/postgresql-secret-2 created
`, onTerminal(t, reportAll))
}

func TestConsole_PrintsNoColourIfDisabled(t *testing.T) {
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	assert.NotContains(t, onTerminal(t, reportAll), "\x1b")
	allowColour(t)
	t.Setenv("TERM", "dumb")
	assert.NotContains(t, onTerminal(t, reportAll), "\x1b")
}

func TestConsole_PrintsPlainLinesToPipe(t *testing.T) {
	streams, _, out, errOut := genericiooptions.NewTestIOStreams()
	reportAll(streams)
	assert.Equal(t, "secret/postgresql-secret-2 created\n", out.String())
	assert.Equal(t, "role pgb_abcdefghijkl_1 created\n"+longStep+
		"\nWarning: the password is not verified: the server trusts connections to postgresql-svc without asking for it\n", errOut.String())
}

func TestConsole_QuietPrintsResultsAndWarnings(t *testing.T) {
	out, errOut := &bytes.Buffer{}, &bytes.Buffer{}
	messages := NewConsole(errOut)
	messages.Quiet = true
	reportAll(genericiooptions.IOStreams{Out: out, ErrOut: messages})
	assert.Equal(t, "secret/postgresql-secret-2 created\n", out.String())
	assert.Regexp(t, `^Warning: .*\n$`, errOut.String())
}

func TestConsole_EscapesControlCharacters(t *testing.T) {
	streams, _, out, errOut := genericiooptions.NewTestIOStreams()
	r := NewReport(streams, "")
	r.Done("role/\x1b[2Ja", "dropped")
	r.Show("one\n\ttwo \u009b31m")
	r.Step("three \r%s", "\x07")
	r.Warn("four \x1b]0;title")
	assert.Equal(t, "role/\ufffd[2Ja dropped\none\n\ttwo \ufffd31m\n", out.String())
	assert.Equal(t, "three \ufffd\ufffd\nWarning: four \ufffd]0;title\n", errOut.String())
}

// allowColour unsets the variables that disable colours.
func allowColour(t *testing.T) {
	t.Helper()
	t.Setenv("NO_COLOR", "")
	require.NoError(t, os.Unsetenv("NO_COLOR"))
}

func TestAsker_AsksNobodyInAScript(t *testing.T) {
	streams, _, _, errOut := genericiooptions.NewTestIOStreams()
	assert.Nil(t, Asker(streams))
	for answer, want := range map[string]bool{"y\n": true, "YES\n": true, "n\n": false, "": false} {
		streams.In = strings.NewReader(answer)
		yes, err := ask(t.Context(), streams, "Keep these names?")
		require.NoError(t, err)
		assert.Equal(t, want, yes, answer)
	}
	assert.Contains(t, errOut.String(), "Keep these names? (y/n): ")
}
