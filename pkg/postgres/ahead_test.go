package postgres

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

// here runs what is to run in the container on this machine, with programs of the test's own.
type here struct {
	t     *testing.T
	path  string
	execs atomic.Int32
	lost  error // what the way to the container says at the end
}

func (h *here) Exec(ctx context.Context, _ podexec.Container, argv []string, s podexec.Streams) error {
	h.execs.Add(1)
	cmd := exec.CommandContext(ctx, filepath.Join(h.path, argv[0]), argv[1:]...) //nolint:gosec // our own programs
	cmd.Env = []string{"PATH=" + h.path, "LOG=" + filepath.Join(h.path, "log")}
	cmd.Stdout, cmd.Stderr = s.Stdout, s.Stderr
	if s.Stdin != nil {
		// As client-go does: the end of the program is not held up by an input that has none.
		stdin, err := cmd.StdinPipe()
		require.NoError(h.t, err)
		go func() {
			defer stdin.Close() //nolint:errcheck // the program may be gone
			buffer := make([]byte, 4096)
			for {
				n, err := s.Stdin.Read(buffer)
				if _, gone := stdin.Write(buffer[:n]); err != nil || gone != nil {
					return
				}
			}
		}()
	}
	err := cmd.Run()
	if errors.Is(err, os.ErrNotExist) {
		err = &podexec.StartError{Program: argv[0]}
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		err = &podexec.ExitError{Code: exit.ExitCode()}
	}
	if h.lost != nil {
		err = h.lost
	}
	return err
}

// aheadServer is a server whose container has a shell and these programs.
func aheadServer(t *testing.T, programs map[string]string) (*Server, *here) {
	t.Helper()
	h := &here{t: t, path: t.TempDir()}
	for _, name := range []string{"sh", "env", "cat"} {
		found, err := exec.LookPath(name)
		require.NoError(t, err)
		require.NoError(t, os.Symlink(found, filepath.Join(h.path, name)))
	}
	for name, text := range programs {
		require.NoError(t, os.WriteFile(filepath.Join(h.path, name), []byte("#!/bin/sh\n"+text), 0o700)) //nolint:gosec // it is to be run
	}
	return &Server{Exec: h, Container: podexec.Container{Namespace: "ns", Pod: "pg-0", Name: "db"}, User: "postgres", Database: "postgres"}, h
}

// did is what the programs have written down.
func (h *here) did() string {
	text, err := os.ReadFile(filepath.Join(h.path, "log"))
	if !errors.Is(err, os.ErrNotExist) {
		require.NoError(h.t, err)
	}
	return string(text)
}

const (
	creates = `echo "createuser $PGOPTIONS $*" >>"$LOG"` + "\n"
	// As psql would if no condition were true.
	readsScript = `depth=0
while IFS= read -r line || [ -n "$line" ]; do
	case $line in '\if '*) depth=$((depth + 1)) ;; '\endif') depth=$((depth - 1)) ;; '\quit') [ "$depth" -gt 0 ] || break ;; esac
	printf '%s\n' "$line"
done >"$LOG.psql"` + "\n"
	reads = readsScript +
		`echo 'pgbind {"end": "run"}'; exit 0` + "\n"
	failing = creates + "echo 'createuser: error: exists' >&2; exit 1\n"
)

func (h *here) script() string {
	text, err := os.ReadFile(filepath.Join(h.path, "log.psql"))
	require.NoError(h.t, err)
	return string(text)
}

func TestOneExecMakesTheRoleAndReadsTheScript(t *testing.T) {
	server, h := aheadServer(t, map[string]string{"createuser": creates, "psql": reads})
	server.Connect(t.Context())
	exists, err := server.CreateUser(t.Context(), `we "ird\ 'role`)
	require.NoError(t, err)
	assert.False(t, exists)
	assert.Equal(t, "createuser "+sessionOptions()+" "+
		`--username=postgres --no-password --no-login --no-superuser --no-createdb --no-createrole --no-replication -- we "ird\ 'role`+"\n", h.did())
	script := new(script).set("run", "run").run("session", "end")
	out, err := server.psql(t.Context(), script)
	require.NoError(t, err)
	assert.Equal(t, "run", out.End)
	assert.Equal(t, server.input(script), h.script())
	assert.EqualValues(t, 1, h.execs.Load())

	_, err = server.psql(t.Context(), script)
	require.NoError(t, err)
	assert.EqualValues(t, 2, h.execs.Load(), "the next one has an exec of its own")
}

func TestTheExecAheadMayMakeNoRole(t *testing.T) {
	server, h := aheadServer(t, map[string]string{"createuser": creates, "psql": reads})
	server.Password = `p\w`
	ctx, cancel := context.WithCancel(t.Context())
	server.Exec = prefixed{h, t}
	server.Connect(ctx)
	out, err := server.psql(ctx, new(script).set("run", "run").run("session", "end"))
	require.NoError(t, err)
	assert.Equal(t, "run", out.End)
	assert.Empty(t, h.did())
	assert.NotContains(t, h.script(), server.Password)
	cancel()
}

// prefixed runs what begins with the shell that reads the password.
type prefixed struct {
	*here
	t *testing.T
}

func (p prefixed) Exec(ctx context.Context, c podexec.Container, argv []string, s podexec.Streams) error {
	require.Equal(p.t, []string{"sh", "-c", readPassword, "sh"}, argv[:4])
	return p.here.Exec(ctx, c, argv, s)
}

func TestNothingHappensWhereNothingIsTold(t *testing.T) {
	server, h := aheadServer(t, map[string]string{"createuser": creates, "psql": reads})
	ctx, cancel := context.WithCancel(t.Context())
	server.Connect(ctx)
	begun := server.ahead
	begun.leave()
	<-begun.done
	cancel()
	require.NoError(t, begun.err)
	assert.Empty(t, h.did())
	assert.Empty(t, h.script())
}

func TestProgramsRunByThemselvesWhereTheExecAheadCannot(t *testing.T) {
	for name, test := range map[string]struct {
		programs map[string]string
		without  string
		execs    int32
	}{
		"no shell":                  {map[string]string{"createuser": creates, "psql": reads}, "sh", 3},
		"an input that is too long": {map[string]string{"createuser": creates, "psql": reads}, "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			server, h := aheadServer(t, test.programs)
			sc := new(script).set("run", "run").run("session", "end")
			if test.without != "" {
				require.NoError(t, os.Remove(filepath.Join(h.path, test.without)))
			} else {
				sc.text.WriteString(strings.Repeat("-- long\n", maxInput/8))
				require.NoError(t, os.Symlink("/usr/bin/cat", filepath.Join(h.path, "drain")))
			}
			server.Connect(t.Context())
			_, err := server.CreateUser(t.Context(), "r")
			require.NoError(t, err)
			assert.Equal(t, 1, strings.Count(h.did(), "createuser"))
			_, err = server.psql(t.Context(), sc)
			require.NoError(t, err)
			assert.Equal(t, test.execs, h.execs.Load())
		})
	}
}

func TestCreateuserFailsAhead(t *testing.T) {
	server, h := aheadServer(t, map[string]string{"createuser": failing, "psql": `/bin/cat >>"$LOG.psql"` + "\n"})
	server.Connect(t.Context())
	begun := server.ahead
	stderr, err := server.createuser(t.Context(), "r", "")
	exit := (*podexec.ExitError)(nil)
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 1, exit.Code)
	assert.Equal(t, "exists", message(stderr))
	<-begun.done
	assert.Empty(t, h.script(), "psql gets no script")
	assert.Nil(t, server.ahead)

	server, _ = aheadServer(t, map[string]string{"psql": reads})
	server.Connect(t.Context())
	_, err = server.CreateUser(t.Context(), "r")
	require.ErrorContains(t, err, `no program "createuser"`)
}

func TestTheExecAheadIsLost(t *testing.T) {
	unknown := (*UnknownError)(nil)
	server, h := aheadServer(t, map[string]string{"createuser": "kill -9 $PPID\n", "psql": "exit 0\n"})
	h.lost = errors.New("reset")
	server.Connect(t.Context())
	_, err := server.CreateUser(t.Context(), "r")
	require.ErrorAs(t, err, &unknown)

	server, _ = aheadServer(t, map[string]string{"createuser": creates, "psql": reads})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	server.Connect(ctx)
	_, err = server.CreateUser(ctx, "r")
	require.ErrorAs(t, err, &unknown)
}

func TestCreateuserIsNotHeardOf(t *testing.T) {
	ask := func(t *testing.T, answers ...answer) bool {
		t.Helper()
		server, c := serverWith(t, answers...)
		server.Exec = called{}
		server.Connect(t.Context())
		<-server.ahead.done
		server.Exec = c
		exists, err := server.CreateUser(t.Context(), "r")
		require.NoError(t, err)
		return exists
	}
	assert.False(t, ask(t, roleFacts("true")), "it made the role")
	assert.False(t, ask(t, roleFacts("false"), answer{program: "createuser"}), "it made none")
	assert.True(t, ask(t, roleFacts("false"), failedCreateuser, roleFacts("true")), "another run did")
}

// called calls everything a success that has not even run.
type called struct{}

func (called) Exec(context.Context, podexec.Container, []string, podexec.Streams) error { return nil }

func TestPsqlTellsItsEndAhead(t *testing.T) {
	server, _ := aheadServer(t, map[string]string{"psql": `/bin/cat >/dev/null; printf unfinished; echo 'psql: error: no' >&2; exit 2` + "\n"})
	server.Connect(t.Context())
	out, err := server.session(t.Context(), new(script).run("session"))
	exit := (*podexec.ExitError)(nil)
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 2, exit.Code)
	assert.Contains(t, out.stderr, "no")
}

func TestASessionThatEndedWhileItWaitedIsNotTheLast(t *testing.T) {
	waited := `if [ -e "$LOG.waited" ]; then exec /bin/cat >"$LOG.psql"; fi; : >"$LOG.waited"; /bin/cat >/dev/null; echo 'FATAL:  57P05: terminating connection due to idle-session timeout' >&2; exit 2` + "\n"
	server, h := aheadServer(t, map[string]string{"createuser": creates, "psql": waited})
	server.Connect(t.Context())
	_, err := server.CreateUser(t.Context(), "r")
	require.NoError(t, err)
	script := new(script).run("session")
	_, err = server.session(t.Context(), script)
	require.NoError(t, err)
	assert.Equal(t, server.input(script), h.script())
	assert.EqualValues(t, 2, h.execs.Load())
}

// The server is process 1 of its container, and takes an orphan that ends by a signal, or with another status than 0 and 1, for one of its
// own processes that crashed: it then ends all sessions.
func TestNoProcessOfTheExecAheadEndsAsACrashedOneOfTheServer(t *testing.T) {
	server, h := aheadServer(t, map[string]string{"createuser": creates, "psql": "/bin/cat >/dev/null; exit 3\n"})
	server.Exec = gone{h}
	server.Connect(t.Context())
	begun := server.ahead
	begun.leave()
	<-begun.done
	var exit *podexec.ExitError
	require.ErrorAs(t, begun.err, &exit)
	assert.Equal(t, 1, exit.Code)
}

// gone is a container whose output nobody reads any more.
type gone struct{ *here }

func (g gone) Exec(ctx context.Context, c podexec.Container, argv []string, s podexec.Streams) error {
	read, write, err := os.Pipe()
	require.NoError(g.t, err)
	require.NoError(g.t, read.Close())
	defer write.Close() //nolint:errcheck // nothing was written
	s.Stdout = write
	return g.here.Exec(ctx, c, argv, s)
}
