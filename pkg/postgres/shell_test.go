package postgres

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/tools/remotecommand"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

// psql plays psql's side of a session; it fails the test when anything else is run.
type psql struct {
	t    *testing.T
	argv []string
	play func(s podexec.Streams) error
}

func (p *psql) Exec(_ context.Context, _ podexec.Container, argv []string, s podexec.Streams) error {
	p.argv = argv
	require.Contains(p.t, argv, "psql")
	return p.play(s)
}

// terminal has no sizes.
type terminal struct{}

func (terminal) Next() *remotecommand.TerminalSize { return nil }

func shellServer(t *testing.T, play func(s podexec.Streams) error) (*Server, *psql) {
	t.Helper()
	p := &psql{t: t, play: play}
	return &Server{Exec: p, User: "postgres", Database: "postgres"}, p
}

func newShell(stdin string, out *bytes.Buffer) Shell {
	return Shell{
		Role: "pgb_x_1", Database: "sh op", Args: []string{"-c", "SELECT 1"}, Stdin: strings.NewReader(stdin), Stdout: out, Stderr: out,
		Login: Login{Password: "cleartext", Host: "svc", PodIP: "10.0.0.1", Port: 5432, PodPort: 5433},
	}
}

func TestScriptGetsThePasswordFirst(t *testing.T) {
	for _, question := range []string{"Password: \n", "Password for user pgb_x_1: \n"} {
		var out bytes.Buffer
		server, p := shellServer(t, func(s podexec.Streams) error {
			assert.Nil(t, s.Terminal)
			input, err := io.ReadAll(s.Stdin)
			require.NoError(t, err)
			assert.Equal(t, "cleartext\nSELECT 2", string(input))
			for _, part := range []string{question[:4], question[4:], "NOTICE: Password: stays\n"} {
				_, err := io.WriteString(s.Stderr, part)
				require.NoError(t, err)
			}
			return &podexec.ExitError{Code: 3}
		})
		err := server.RunShell(t.Context(), newShell("SELECT 2", &out))
		var exit *podexec.ExitError
		require.ErrorAs(t, err, &exit)
		assert.Equal(t, 3, exit.Code)
		assert.Equal(t, "NOTICE: Password: stays\n", out.String())
		assert.NotContains(t, strings.Join(p.argv, " "), "cleartext")
		assert.Subset(t, p.argv, []string{"--username=pgb_x_1", "--password", "--no-psqlrc", "--set=HISTFILE=/dev/null", "-c", "SELECT 1",
			"--dbname=host='svc,10.0.0.1' port='5432,5433' connect_timeout=15 dbname='sh op'"})
	}
}

func TestTerminalGetsThePasswordOnlyWhenAsked(t *testing.T) {
	var out bytes.Buffer
	server, _ := shellServer(t, func(s podexec.Streams) error {
		require.NotNil(t, s.Terminal)
		read := make(chan string)
		go func() {
			input, _ := io.ReadAll(s.Stdin)
			read <- string(input)
		}()
		for _, part := range []string{"\x1b[0mPass", "word"} {
			_, err := io.WriteString(s.Stdout, part)
			require.NoError(t, err)
			select {
			case early := <-read:
				t.Errorf("sent before psql asked: %q", early)
			default:
			}
		}
		_, err := io.WriteString(s.Stdout, ": ")
		require.NoError(t, err)
		assert.Equal(t, "cleartext\n\\q\r", <-read)
		_, err = io.WriteString(s.Stdout, "\r\nshop=> ")
		return err
	})
	shell := newShell("\\q\r", &out)
	shell.Terminal = terminal{}
	require.NoError(t, server.RunShell(t.Context(), shell))
	assert.Equal(t, "\x1b[0mshop=> ", out.String())
}

func TestTerminalThatNeverAsks(t *testing.T) {
	var out bytes.Buffer
	read := make(chan string)
	server, _ := shellServer(t, func(s podexec.Streams) error {
		go func() {
			input, _ := io.ReadAll(s.Stdin)
			read <- string(input)
		}()
		_, err := io.WriteString(s.Stdout, "env: no psql")
		require.NoError(t, err)
		return &podexec.ExitError{Code: 127}
	})
	shell := newShell("typed", &out)
	shell.Terminal = terminal{}
	err := server.RunShell(t.Context(), shell)
	var missing *MissingProgramError
	require.ErrorAs(t, err, &missing)
	assert.Equal(t, "env: no psql", out.String())
	assert.Empty(t, <-read, "neither the password nor what was typed")
}

func TestAdminShellLogsInAsTheScriptsDo(t *testing.T) {
	var out bytes.Buffer
	runs := 0
	server, p := shellServer(t, func(s podexec.Streams) error {
		if runs++; runs == 1 {
			_, err := io.WriteString(s.Stdout, "started\n"+primary+`pgbind {"end": "pgbind"}`+"\n"+`pgbind {"psql": 0}`+"\n")
			require.NoError(t, err)
		}
		input, err := io.ReadAll(s.Stdin)
		require.NoError(t, err)
		if runs == 1 {
			return nil
		}
		assert.Equal(t, "SELECT 2", string(input))
		return nil
	})
	require.NoError(t, server.RunAdminShell(t.Context(), newShell("SELECT 2", &out)))
	assert.Equal(t, 2, runs)
	assert.Subset(t, p.argv, []string{"--username=postgres", "--no-password", "--dbname=sh op", "--set=HISTFILE=/dev/null"})
}

func TestAdminShellWithAPasswordThatIsGiven(t *testing.T) {
	var out bytes.Buffer
	server, p := shellServer(t, func(s podexec.Streams) error {
		input, err := io.ReadAll(s.Stdin)
		assert.Equal(t, "of the admin\nSELECT 2", string(input))
		return err
	})
	server.Password = "of the admin"
	require.NoError(t, server.RunAdminShell(t.Context(), newShell("SELECT 2", &out)))
	assert.Contains(t, p.argv, "--password")
	assert.NotContains(t, strings.Join(p.argv, " "), "of the admin")
}
