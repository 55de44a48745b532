package postgres

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
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

	mu     sync.Mutex
	pieces []string // in which the output came
}

func (h *here) Exec(ctx context.Context, _ podexec.Container, argv []string, s podexec.Streams) error {
	h.execs.Add(1)
	cmd := exec.CommandContext(ctx, filepath.Join(h.path, argv[0]), argv[1:]...) //nolint:gosec // our own programs
	cmd.Env = []string{"PATH=" + h.path, "LOG=" + filepath.Join(h.path, "log")}
	cmd.Stdout, cmd.Stderr = s.Stdout, s.Stderr
	if _, file := s.Stdout.(*os.File); !file {
		cmd.Stdout = writerFunc(func(p []byte) (int, error) {
			h.mu.Lock()
			h.pieces = append(h.pieces, string(p))
			h.mu.Unlock()
			return s.Stdout.Write(p)
		})
	}
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

type writerFunc func([]byte) (int, error)

func (w writerFunc) Write(p []byte) (int, error) { return w(p) }

// serverHere is a server whose container has a shell and these programs.
func serverHere(t *testing.T, programs map[string]string) (*Server, *here) {
	t.Helper()
	h := &here{t: t, path: t.TempDir()}
	for _, name := range []string{"sh", "env", "cat"} {
		found, err := exec.LookPath(name)
		require.NoError(t, err)
		require.NoError(t, os.Symlink(found, filepath.Join(h.path, name)))
	}
	for name, text := range programs {
		h.install(name, text)
	}
	return &Server{
		Exec:      h,
		Container: podexec.Container{Namespace: "ns", Pod: "pg-0", Name: "db"},
		User:      "postgres",
		Database:  "postgres",

		SkipEventTriggers: true, // an error of SQL asks for nothing more
	}, h
}

func (h *here) install(name, text string) {
	path := filepath.Join(h.path, name)
	_ = os.Remove(path)
	require.NoError(h.t, os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700)) //nolint:gosec // it is to be run
}

// did is what the programs have written down.
func (h *here) did() string { return h.read("log") }

// script is what psql has read.
func (h *here) script() string { return h.read("log.psql") }

func (h *here) read(name string) string {
	text, err := os.ReadFile(filepath.Join(h.path, name)) //nolint:gosec // a file of this test
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

// binds is a psql that reports what the script of testBinding would.
func binds() string { return readsScript + "/bin/cat <<'E'\n" + proved("run1") + "E\n" }

func TestOneExecCreatesTheRoleAndRunsTheScript(t *testing.T) {
	server, h := serverHere(t, map[string]string{"createuser": creates, "psql": binds()})
	r := Request{testBinding(), Login{Password: "secret", Set: true, Host: "svc.ns.svc"}}
	r.Role.Name = `we "ird\ 'role`
	creation := server.CreateAll(t.Context(), []Request{r})[0]
	assert.True(t, creation.Made)
	require.ErrorContains(t, creation.Err, "acts as role", "the test's psql reports another one")
	assert.Equal(t, "createuser "+sessionOptions()+" "+
		`--username=postgres --no-password --no-login --no-superuser --no-createdb --no-createrole --no-replication -- we "ird\ 'role`+"\n", h.did())
	assert.Contains(t, h.script(), opening(server.Database, true).text.String())
	assert.Contains(t, h.script(), quote(r.Role.Name))
	assert.EqualValues(t, 1, h.execs.Load())
}

func TestTheScriptHasNoLimit(t *testing.T) {
	r := Request{testBinding(), Login{Password: "secret", Set: true, Host: "svc.ns.svc"}}
	r.Role.Access.Schemas = nil
	for i := range 4000 {
		r.Role.Access.Schemas = append(r.Role.Access.Schemas, quoteName(i))
	}
	sc, err := bindScript(r.Role, r.Login)
	require.NoError(t, err)
	role := r.Role.Access.Role()
	says := "/bin/cat <<'E'\n" + primary + hosted + `pgbind {"login": {"sessionUser": "pgb_abc_1", "currentUser": "` + role + `", "host": "h", "method": "scram"}}` + "\n" + ended + "E\n"
	for name, psql := range map[string]string{"read to its end": readsScript + says, "psql ends early": says} {
		t.Run(name, func(t *testing.T) {
			server, h := serverHere(t, map[string]string{"createuser": creates, "psql": psql})
			input := server.input(sc)
			require.Greater(t, len(input), 64<<10)
			creation := server.CreateAll(t.Context(), []Request{r})[0]
			require.NoError(t, creation.Err)
			assert.True(t, creation.Result.Verified)
			_, err := server.Bind(t.Context(), r.Role, r.Login)
			require.NoError(t, err)
			assert.EqualValues(t, 2, h.execs.Load(), "one for each")
			if psql != says {
				assert.Equal(t, quoteName(3999), findLast(h.script(), quoteName(3999)))
			}
		})
	}
}

func TestThePasswordIsReadBeforeTheScript(t *testing.T) {
	server, h := serverHere(t, map[string]string{"createuser": creates, "psql": `echo "$PGPASSWORD" >"$LOG.password"` + "\n" + reads})
	server.Password = `p\w`
	server.Exec = withPassword{h}
	out, err := server.psql(t.Context(), new(script).set("run", "run").run("begin_session", "end"))
	require.NoError(t, err)
	assert.Equal(t, "run", out.End)
	assert.Empty(t, h.did())
	assert.Equal(t, `p\w`+"\n", h.read("log.password"))
	assert.NotContains(t, h.script(), server.Password)
}

// withPassword wants a command that begins with the shell that reads the password.
type withPassword struct{ *here }

func (p withPassword) Exec(ctx context.Context, c podexec.Container, argv []string, s podexec.Streams) error {
	require.Equal(p.t, []string{"sh", "-c", readPassword, "sh"}, argv[:4])
	return p.here.Exec(ctx, c, argv, s)
}

func TestProgramsRunByThemselvesWithoutAShell(t *testing.T) {
	server, h := serverHere(t, map[string]string{"createuser": creates, "psql": binds()})
	require.NoError(t, os.Remove(filepath.Join(h.path, "sh")))
	creation := create(t, server)
	require.NoError(t, creation.Err)
	assert.True(t, creation.Made)
	assert.Regexp(t, `^createuser .* -- pgb_abc_1\n$`, h.did())
	assert.EqualValues(t, 3, h.execs.Load(), "the shell, createuser and psql")
	_, err := server.Bind(t.Context(), testBinding(), Login{Password: "secret", Host: "svc.ns.svc"})
	require.NoError(t, err)
	assert.EqualValues(t, 4, h.execs.Load(), "the shell is not tried again")
}

func TestPsqlDoesNotRunWhereCreateuserFails(t *testing.T) {
	server, h := serverHere(t, map[string]string{"createuser": failing, "psql": reads})
	created, err := server.createBatch(t.Context(), newBatch(requests(t, 1), []int{0}))
	require.NoError(t, err)
	assert.Empty(t, created)
	assert.NoFileExists(t, filepath.Join(h.path, "log.psql"))

	server, _ = serverHere(
		t,
		map[string]string{
			"psql": readsScript + "echo '" + `pgbind {"found": {"role": false, "createsRole": true}}` + "'; echo 'pgbind {\"end\": \"inspect\"}'\n",
		},
	)
	require.ErrorContains(t, create(t, server).Err, `no program "createuser"`)
}

func TestAnExecWhoseEndIsNotKnown(t *testing.T) {
	unknown := (*UnknownError)(nil)
	server, h := serverHere(t, map[string]string{"createuser": "kill -9 $PPID\n", "psql": "exit 0\n"})
	h.lost = errors.New("reset")
	require.ErrorAs(t, create(t, server).Err, &unknown)

	server, _ = serverHere(t, map[string]string{"createuser": creates, "psql": reads})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorAs(t, server.CreateAll(ctx, requests(t, 1))[0].Err, &unknown)
}
