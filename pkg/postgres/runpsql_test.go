package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

func quoteName(i int) string { return fmt.Sprintf("schema%d", i) }

func findLast(text, part string) string {
	if i := strings.LastIndex(text, part); i >= 0 {
		return text[i : i+len(part)]
	}
	return ""
}

func TestReportsComeInOnePiece(t *testing.T) {
	const psql = readsScript + `for report in server committed end; do
	printf 'pgbind {"%s" : "run"}' "$report"; /bin/sleep 0.05; echo; /bin/sleep 0.05
done
printf ' not a report\n\n'; /bin/sleep 0.05; printf unfinished; exit 3
`
	server, h := serverHere(t, map[string]string{"createuser": creates, "psql": psql})
	h.lost = errors.New("reset")
	_, err := server.createBatch(t.Context(), newBatch(requests(t, 2), []int{0, 1}))
	exit := (*podexec.ExitError)(nil)
	require.ErrorAs(t, err, &exit, "what psql reports of its end counts, not what becomes of the exec")
	assert.Equal(t, 3, exit.Code)
	assert.Equal(t, []string{
		"started\n",
		"pgbind {\"created\": [0,1]}\n",
		"pgbind {\"server\" : \"run\"}\npgbind {\"committed\" : \"run\"}\npgbind {\"end\" : \"run\"}\n not a report\n\nunfinished\npgbind {\"psql\": 3}\n",
	}, h.pieces)
}

func TestTheShellCreatesRolesBeforeItRunsPsql(t *testing.T) {
	const twoRoles = `^createuser .* -- pgb_abc_1\ncreateuser .* -- pgb_abc_1\n$`
	t.Run("both are created", func(t *testing.T) {
		server, h := serverHere(t, map[string]string{"createuser": creates, "psql": reads})
		b := newBatch(requests(t, 2), []int{0, 1})
		created, err := server.createBatch(t.Context(), b)
		require.NoError(t, err)
		assert.Len(t, created, 2)
		assert.Regexp(t, twoRoles, h.did())
		require.NotNil(t, b.session)
		assert.Equal(t, "run", b.session.End)
		assert.True(t, strings.HasPrefix(h.script(), opening(server.Database, true).text.String()))
		assert.EqualValues(t, 1, h.execs.Load())
	})
	t.Run("one is not", func(t *testing.T) {
		second := `if [ -e "$LOG" ]; then exit 1; fi` + "\n" + creates
		server, h := serverHere(t, map[string]string{"createuser": second, "psql": reads})
		b := newBatch(requests(t, 2), []int{0, 1})
		created, err := server.createBatch(t.Context(), b)
		require.NoError(t, err)
		assert.Equal(t, map[int]bool{0: true}, created)
		assert.Nil(t, b.session)
		assert.Empty(t, h.script(), "psql has not run")
	})
	t.Run("psql ends early", func(t *testing.T) {
		server, h := serverHere(t, map[string]string{"createuser": creates, "psql": "echo 'psql: error: no' >&2; exit 3\n"})
		h.install("cat", `/bin/cat >"$LOG.rest"`)
		b := newBatch(requests(t, 2), []int{0, 1})
		_, err := server.createBatch(t.Context(), b)
		exit := (*podexec.ExitError)(nil)
		require.ErrorAs(t, err, &exit)
		assert.Equal(t, 3, exit.Code)
		assert.Contains(t, b.session.stderr, "no")
		assert.Contains(t, h.read("log.rest"), "COMMIT", "somebody reads what psql left")
	})
}

// stuck is an exec that reports psql's end in pieces, and whose own end is lost.
type stuck struct{ open bool }

func (s *stuck) Exec(ctx context.Context, _ podexec.Container, _ []string, streams podexec.Streams) error {
	go func() {
		_, _ = io.Copy(io.Discard, streams.Stdin)
		s.open = false
	}()
	for _, part := range strings.SplitAfter("started\npgbind {\"en|d\" : \"run\"}\npgbind {\"psq|l\": 2}|\n", "|") {
		time.Sleep(time.Second)
		_, _ = io.WriteString(streams.Stdout, strings.TrimSuffix(part, "|"))
	}
	_, _ = io.WriteString(streams.Stderr, "messages")
	<-ctx.Done()
	return ctx.Err()
}

func TestTheLostEndOfAnExecIsWaitedForTwoSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exec := &stuck{open: true}
		server := &Server{Exec: exec}
		begin := time.Now()
		stdout, stderr, err := server.runPSQL(t.Context(), nil, nil, "SELECT 1;")
		exit := (*podexec.ExitError)(nil)
		require.ErrorAs(t, err, &exit)
		assert.Equal(t, 2, exit.Code)
		assert.Equal(t, "messages", stderr)
		assert.Contains(t, stdout.String(), `{"end" : "run"}`)
		assert.Equal(t, 4*time.Second+endOfExec, time.Since(begin))
		synctest.Wait()
		assert.False(t, exec.open, "the input is closed")
	})
}

// unread is a container without a shell. Nothing reads the input.
type unread struct{ input bytes.Buffer }

func (u *unread) Exec(_ context.Context, _ podexec.Container, _ []string, s podexec.Streams) error {
	go func() { _, _ = io.Copy(&u.input, s.Stdin) }() // as client-go does
	time.Sleep(time.Second)
	return &podexec.ExitError{Code: 127}
}

func TestAShellThatIsMissingGetsNoInput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exec := &unread{}
		server := &Server{Exec: exec}
		_, _, err := server.runPSQL(t.Context(), nil, nil, "SELECT 1;")
		missing := (*MissingProgramError)(nil)
		require.ErrorAs(t, err, &missing)
		synctest.Wait()
		assert.Empty(t, exec.input.String(), "the exec need not end otherwise")
	})
}

func TestAnExecGoesOnUntilItsInputIsClosed(t *testing.T) {
	server, h := serverHere(t, map[string]string{"createuser": creates, "psql": reads})
	server.Exec = slow{h}
	created, err := server.createBatch(t.Context(), newBatch(requests(t, 1), []int{0}))
	require.NoError(t, err)
	assert.Len(t, created, 1)
}

// slow passes the last report on late, and fails where the program has ended by then.
type slow struct{ *here }

func (s slow) Exec(ctx context.Context, c podexec.Container, argv []string, streams podexec.Streams) error {
	ended := make(chan struct{})
	defer close(ended)
	to := streams.Stdout
	streams.Stdout = writerFunc(func(p []byte) (int, error) {
		if strings.Contains(string(p), `{"psql"`) {
			select {
			case <-ended:
				s.t.Error("it did not wait for the end of its input")
			case <-time.After(100 * time.Millisecond):
			}
		}
		return to.Write(p)
	})
	return s.here.Exec(ctx, c, argv, streams)
}

// The server is process 1 of its container, and takes an orphan that ends by a signal, or with another status than 0 and 1, for one of its
// own processes that crashed: it then ends all sessions.
func TestNoProcessEndsAsACrashedOneOfTheServer(t *testing.T) {
	server, h := serverHere(t, map[string]string{"createuser": creates, "psql": readsScript + "exit 3\n"})
	server.Exec = gone{h}
	_, _, err := server.runPSQL(t.Context(), []string{"createusers"}, []string{"postgres", createuserOptions}, "r\n\nSELECT 1;\n")
	var exit *podexec.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 1, exit.Code)
}

// gone is a container whose output nobody reads any more.
type gone struct{ *here }

func (g gone) Exec(ctx context.Context, c podexec.Container, argv []string, s podexec.Streams) error {
	read, write, err := os.Pipe()
	require.NoError(g.t, err)
	require.NoError(g.t, read.Close())
	defer write.Close() //nolint:errcheck // nothing was written
	_, err = io.WriteString(s.Stdout, "started\n")
	require.NoError(g.t, err)
	text, err := io.ReadAll(io.LimitReader(s.Stdin, int64(len("r\n\nSELECT 1;\n"+quit))))
	require.NoError(g.t, err)
	s.Stdin, s.Stdout = strings.NewReader(string(text)), write
	return g.here.Exec(ctx, c, argv, s)
}
