package postgres

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

// recorder writes down in which pieces the output comes.
type recorder struct {
	*here
	mu     sync.Mutex
	pieces []string
}

func (r *recorder) Exec(ctx context.Context, c podexec.Container, argv []string, s podexec.Streams) error {
	to := s.Stdout
	s.Stdout = writer(func(p []byte) (int, error) {
		r.mu.Lock()
		r.pieces = append(r.pieces, string(p))
		r.mu.Unlock()
		return to.Write(p)
	})
	return r.here.Exec(ctx, c, argv, s)
}

// recorded is a server whose container has this psql.
func recorded(t *testing.T, psql string) (*Server, *recorder) {
	t.Helper()
	server, h := aheadServer(t, map[string]string{"createuser": creates, "psql": psql})
	r := &recorder{here: h}
	server.Exec = r
	return server, r
}

func TestReportsComeInOnePiece(t *testing.T) {
	const psql = readsScript + `for report in server committed end; do
	printf 'pgbind {"%s" : "run"}' "$report"; /bin/sleep 0.05; echo; /bin/sleep 0.05
done
printf ' not a report\n\n'; /bin/sleep 0.05; printf unfinished; exit 3
`
	t.Run("for one role up to the last word", func(t *testing.T) {
		server, r := recorded(t, psql)
		server.Connect(t.Context())
		begun := server.ahead
		_, err := begun.createuser("r", "SELECT 1;\n\\quit\n")
		require.NoError(t, err)
		assert.True(t, begun.concluded())
		exit := (*podexec.ExitError)(nil)
		require.ErrorAs(t, begun.finish().err, &exit)
		assert.Equal(t, 3, exit.Code)
		<-begun.done
		assert.Equal(t, []string{
			"pgbind {\"createuser\": 0}\n",
			"pgbind {\"server\" : \"run\"}\npgbind {\"committed\" : \"run\"}\npgbind {\"end\" : \"run\"}\n",
			" not a report\n\nunfinished\npgbind {\"psql\": 3}\n",
		}, r.pieces)
	})
	t.Run("of very many a hundred at a time", func(t *testing.T) {
		const many = "i=0\nwhile [ $i -lt 250 ]; do echo \"pgbind {\\\"did\\\": \\\"$i\\\"}\"; i=$((i + 1)); done\n/bin/sleep 0.05; exit 0\n"
		server, r := recorded(t, many)
		server.Connect(t.Context())
		begun := server.ahead
		_, err := begun.createuser("r", "SELECT 1;\n")
		require.NoError(t, err)
		require.NoError(t, begun.finish().err)
		<-begun.done
		last := r.pieces[len(r.pieces)-1]
		assert.True(t, strings.HasPrefix(last, "pgbind {\"did\": \"200\"}\n"), last)
		assert.Equal(t, 50+2, strings.Count(last, "\n"))
	})
	t.Run("for many in all", func(t *testing.T) {
		server, r := recorded(t, psql)
		r.lost = errors.New("reset")
		_, err := server.createBatch(t.Context(), newBatch(requests(t, 2), []int{0, 1}))
		exit := (*podexec.ExitError)(nil)
		require.ErrorAs(t, err, &exit, "what psql reports of its end counts, not what becomes of the exec")
		assert.Equal(t, 3, exit.Code)
		r.mu.Lock()
		defer r.mu.Unlock()
		assert.Equal(t, []string{
			"pgbind {\"created\": [0,1]}\n",
			"pgbind {\"server\" : \"run\"}\npgbind {\"committed\" : \"run\"}\npgbind {\"end\" : \"run\"}\n not a report\n\nunfinished\npgbind {\"psql\": 3}\n",
		}, r.pieces)
	})
}

func TestAnExecGoesOnUntilItsOutputIsHeard(t *testing.T) {
	server, h := aheadServer(t, map[string]string{"createuser": creates, "psql": reads})
	p := server.createuserThenPsql("createusers", "drain")
	c, err := server.converse(t.Context(), p)
	require.NoError(t, err)
	c.say("r\n\n" + quit)
	<-c.heard[endOfPsql].come
	select {
	case <-c.done:
		t.Fatal("it did not wait for the end of its input")
	case <-time.After(100 * time.Millisecond):
	}
	c.leave()
	<-c.done
	require.NoError(t, c.err)
	assert.Contains(t, h.did(), "createuser")
}
