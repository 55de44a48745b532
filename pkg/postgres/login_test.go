package postgres

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
)

var (
	failedCreateuser = answer{program: "createuser", err: &podexec.ExitError{Code: 1}}
	refusedPsql      = answer{program: "psql", stderr: "psql: error: kein Passwort\n", err: &podexec.ExitError{Code: 2}}
	noSuchRole       = answer{
		program: "psql",
		stdout:  primary + `pgbind {"found": {"role": false, "createsRole": true}}` + "\n" + `pgbind {"end": "inspect"}` + "\n",
	}
)

func TestAnotherWayToLogInIsLookedForOnce(t *testing.T) {
	tests := map[string][]string{
		"switcher gosu":              {"gosu", "postgres", "env"},
		"switcher setpriv":           {"setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "env"},
		"switcher su":                {"su", "-s", "/bin/sh", "-c", `exec "$@"`, "--", "postgres", "sh", "env"},
		"variable POSTGRES_PASSWORD": {"sh", "-c"},
	}
	for report, prefix := range tests {
		t.Run(report, func(t *testing.T) {
			server, c := serverWith(
				t, failedCreateuser, refusedPsql, answer{program: "probe", stdout: "pgbind " + report + "\n"},
				noSuchRole, answer{program: "createuser"},
				answer{program: "psql", stdout: primary + hosted + loggedIn("x") + ended},
			)
			require.NoError(t, server.createRole(t.Context(), "r"))
			_, err := server.Bind(t.Context(), testBinding(), Login{Password: "cleartext", Set: true})
			require.NoError(t, err)
			for _, argv := range c.argv[3:] {
				assert.Equal(t, prefix, argv[:len(prefix)])
			}
		})
	}
}

func TestADatabaseThatIsNotThereIsNoMatterOfPasswords(t *testing.T) {
	server, _ := serverWith(t, refusedPsql, answer{program: "probe", stdout: "pgbind none\n"})
	_, err := server.Bind(t.Context(), testBinding(), Login{Password: "x", Set: true})
	var login *AdminLoginError
	require.ErrorAs(t, err, &login)
	assert.NoError(t, login.Hint)
}

func TestCreateRoleAndBindAreTwoPrograms(t *testing.T) {
	server, c := serverWith(t, answer{program: "createuser"}, answer{program: "psql", stdout: primary + hosted + loggedIn("x") + ended})
	require.NoError(t, server.createRole(t.Context(), "r"))
	_, err := server.Bind(t.Context(), testBinding(), Login{Password: "cleartext", Set: true})
	require.NoError(t, err)
	assert.Len(t, c.argv, 2)
}

func TestNoWayToLogIn(t *testing.T) {
	tests := map[string]struct {
		answers []answer
		want    string
	}{
		"nothing helps": {[]answer{refusedPsql, {program: "probe"}, {program: "pg_isready"}}, "no password in its variables can log in"},
		"no shell": {
			[]answer{refusedPsql, {program: "probe", err: &podexec.StartError{Program: "sh"}}, {program: "pg_isready"}},
			"has no shell",
		},
		"server down": {
			[]answer{refusedPsql, {program: "probe"}, {program: "pg_isready", err: &podexec.ExitError{Code: 2}}},
			"accepts no connections): find the cause with kubectl logs",
		},
		"a made-up way": {
			[]answer{refusedPsql, {program: "probe", stdout: "pgbind switcher sudo\n"}, {program: "pg_isready"}},
			"--admin-password-from",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server, _ := serverWith(t, append([]answer{failedCreateuser}, test.answers...)...)
			err := server.createRole(t.Context(), "r")
			var login *AdminLoginError
			require.ErrorAs(t, err, &login)
			require.ErrorContains(t, err, `cannot log in as "postgres": kein Passwort`)
			assert.ErrorContains(t, err, test.want)
		})
	}
}

func TestNoWayIsLookedForOnceALoginHasWorked(t *testing.T) {
	for ready, down := range map[error]bool{nil: false, &podexec.ExitError{Code: 2}: true} {
		server, _ := serverWith(t, answer{program: "createuser"}, refusedPsql, answer{program: "pg_isready", err: ready})
		require.NoError(t, server.createRole(t.Context(), "r"))
		_, err := server.Bind(t.Context(), testBinding(), Login{Password: "x", Set: true})
		var login *AdminLoginError
		require.ErrorAs(t, err, &login)
		assert.Equal(t, down, IsUnavailable(err), "a server that stopped meanwhile")
		assert.Equal(t, down, login.Hint != nil)
	}
}

func TestASessionThatEndedBeforeItsFirstAnswerIsBegunAgain(t *testing.T) {
	lost := answer{
		program: "psql",
		stderr:  "psql:<stdin>:1: FATAL:  57P05: Verbindung wird abgebrochen\n",
		err:     &podexec.ExitError{Code: 2},
	}
	cut, failed, through := lost, lost, answer{program: "psql", stdout: primary + ended}
	cut.stdout = primary
	failed.err = &podexec.ExitError{Code: 3}
	tests := map[string]struct {
		answers []answer
		err     string
	}{
		"once":                      {[]answer{lost, through}, ""},
		"always":                    {[]answer{lost, lost, lost}, "57P05"},
		"after its first answer":    {[]answer{cut}, "57P05"},
		"by an error of the script": {[]answer{failed}, "57P05"},
		"after one that was cut": {
			[]answer{{program: "psql"}, refusedPsql, {program: "probe"}, {program: "pg_isready", err: &podexec.ExitError{Code: 2}}},
			"accepts no connections",
		},
		"and the next login fails too": {
			[]answer{lost, refusedPsql, {program: "probe"}, {program: "pg_isready", err: &podexec.ExitError{Code: 2}}},
			"accepts no connections",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server, _ := serverWith(t, test.answers...)
			err := server.Disable(t.Context(), []LoginRole{boundRole()})[0].Err
			if test.err == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, test.err)
			}
		})
	}
}

func TestAGivenPasswordIsReadFromTheInput(t *testing.T) {
	server, c := serverWith(t, answer{program: "createuser"}, answer{program: "psql", stdout: primary + hosted + loggedIn("x") + ended})
	server.Password = "admin's own"
	require.NoError(t, server.createRole(t.Context(), "r"))
	_, err := server.Bind(t.Context(), testBinding(), Login{Password: "cleartext", Set: true})
	require.NoError(t, err)
	for i, argv := range c.argv {
		assert.Equal(t, []string{"sh", "-c", readPassword, "sh", "env"}, argv[:5])
		assert.NotContains(t, strings.Join(argv, " "), "admin's own")
		first, _, _ := strings.Cut(c.stdin[i], "\n")
		assert.Equal(t, "admin's own", first)
	}
}

func TestAGivenPasswordNeedsAShell(t *testing.T) {
	server, _ := serverWith(t, answer{program: "createuser", err: &podexec.StartError{Program: "sh"}})
	server.Password = "secret"
	err := server.createRole(t.Context(), "r")
	require.ErrorContains(t, err, "has no shell")
	assert.NotContains(t, err.Error(), "secret")
}

// probe runs probe.sh with these variables. Instead of psql, it runs a command that lets one role in, with the password
// right, in one database. There is no pg_isready.
func probe(t *testing.T, administrator string, env ...string) (authMethod, error) {
	t.Helper()
	const login = `[ "$0" = psql ] || exit 127; shift 3
		[ "$PGPASSWORD" = right ] && [ "$1" = "--username=${ROLE:-postgres}" ] && [ "$2" = "--dbname=${DATABASE:-postgres}" ]`
	cmd := exec.CommandContext( //nolint:gosec // our own scripts
		t.Context(), "sh", "-c", shellFile(t, "probe"), "sh", shellFile(t, "password"), administrator, "sh", "-c", login,
	)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return parseAuth(bytes.NewBuffer(out))
}

func shellFile(t *testing.T, name string) string {
	t.Helper()
	text, err := shellFiles.ReadFile("sh/" + name + ".sh")
	require.NoError(t, err)
	return string(text)
}

func TestProbe_FindsTheAdministratorsPassword(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(file, []byte("right\n"), 0o600))
	of := func(user, variable string) authMethod {
		return authMethod{user: user, database: "postgres", variable: variable}
	}
	tests := map[string]struct {
		administrator string
		env           []string
		want          authMethod
	}{
		"official":         {"postgres", []string{"POSTGRES_PASSWORD=right"}, of("postgres", "POSTGRES_PASSWORD")},
		"official, a file": {"postgres", []string{"POSTGRES_PASSWORD_FILE=" + file}, of("postgres", "POSTGRES_PASSWORD")},
		"official, an administrator that the user names": {
			"boss", []string{"ROLE=boss", "POSTGRES_USER=boss", "POSTGRES_PASSWORD=right"}, of("boss", "POSTGRES_PASSWORD"),
		},
		"official, an administrator that nobody names": {
			"postgres", []string{"ROLE=jira", "POSTGRES_USER=jira", "POSTGRES_PASSWORD=right"}, of("jira", "POSTGRES_PASSWORD"),
		},
		"a name with a space and a quote": {
			"postgres",
			[]string{"ROLE=the 'boss", "POSTGRES_USER=the 'boss", "POSTGRES_PASSWORD=right"},
			of("the 'boss", "POSTGRES_PASSWORD"),
		},
		"Bitnami": {
			"postgres", []string{"POSTGRES_USER=app", "POSTGRES_PASSWORD=wrong", "POSTGRES_POSTGRES_PASSWORD=right"},
			of("postgres", "POSTGRES_POSTGRES_PASSWORD"),
		},
		"Bitnami, a file": {"postgres", []string{"POSTGRES_POSTGRES_PASSWORD_FILE=" + file}, of("postgres", "POSTGRES_POSTGRES_PASSWORD")},
		"Bitnami, old names": {
			"postgres", []string{"POSTGRESQL_USERNAME=app", "POSTGRESQL_PASSWORD=wrong", "POSTGRESQL_POSTGRES_PASSWORD=right"},
			of("postgres", "POSTGRESQL_POSTGRES_PASSWORD"),
		},
		"old names, one user": {"postgres", []string{"POSTGRESQL_PASSWORD=right"}, of("postgres", "POSTGRESQL_PASSWORD")},
		"Red Hat":             {"postgres", []string{"POSTGRESQL_ADMIN_PASSWORD=right"}, of("postgres", "POSTGRESQL_ADMIN_PASSWORD")},
		"Spilo":               {"postgres", []string{"PGPASSWORD_SUPERUSER=right"}, of("postgres", "PGPASSWORD_SUPERUSER")},
		"Spilo, another administrator": {
			"postgres", []string{"ROLE=root", "PGUSER_SUPERUSER=root", "PGPASSWORD_SUPERUSER=right"}, of("root", "PGPASSWORD_SUPERUSER"),
		},
		"Patroni": {"postgres", []string{"PATRONI_SUPERUSER_PASSWORD=right"}, of("postgres", "PATRONI_SUPERUSER_PASSWORD")},
		"a password of the role that the user does not name": {
			"boss",
			[]string{"ROLE=app", "POSTGRES_USER=app", "POSTGRES_PASSWORD=right"},
			authMethod{},
		},
		"a wrong one before the right one": {
			"postgres", []string{"POSTGRES_POSTGRES_PASSWORD=stale", "POSTGRESQL_PASSWORD=right"}, of("postgres", "POSTGRESQL_PASSWORD"),
		},
		"no database postgres": {
			"postgres", []string{"DATABASE=template1", "POSTGRES_PASSWORD=right"},
			authMethod{user: "postgres", database: "template1", variable: "POSTGRES_PASSWORD"},
		},
		"no variable": {"postgres", nil, authMethod{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			found, err := probe(t, test.administrator, test.env...)
			assert.Equal(t, test.want, found)
			assert.Equal(t, test.want == authMethod{}, err != nil)
		})
	}
}

// TestProbe_FindsTheSocket has the socket of a server in a folder that psql does not look at.
func TestProbe_FindsTheSocket(t *testing.T) {
	folder := t.TempDir()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", filepath.Join(folder, ".s.PGSQL.5432"))
	require.NoError(t, err)
	defer listener.Close() //nolint:errcheck // the test is over
	const login = `[ "$0" = psql ] || [ "$2" = "--host=$FOLDER" ] || exit 2; [ "$4" = "--host=$FOLDER" ]`
	cmd := exec.CommandContext( //nolint:gosec // our own scripts
		t.Context(), "sh", "-c", shellFile(t, "probe"), "sh", shellFile(t, "password"), "postgres", "sh", "-c", login,
	)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "FOLDER=" + folder}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	found, err := parseAuth(bytes.NewBuffer(out))
	require.NoError(t, err)
	assert.Equal(t, authMethod{host: folder, user: "postgres", database: "postgres"}, found)
}

func TestProbe_SkipsHostsWhereNoServerAnswers(t *testing.T) {
	const login = `[ "$0" = pg_isready ] && exit 2; echo "$*" >>"$CALLS"; exit 1`
	calls := filepath.Join(t.TempDir(), "calls")
	cmd := exec.CommandContext( //nolint:gosec // our own scripts
		t.Context(), "sh", "-c", shellFile(t, "probe"), "sh", shellFile(t, "password"), "postgres", "sh", "-c", login,
	)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "CALLS=" + calls, "POSTGRES_PASSWORD=x"}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err)
	assert.Empty(t, string(out))
	assert.NoFileExists(t, calls, "psql would not get a session")
}

func TestPasswordScriptKeepsInputAndArguments(t *testing.T) {
	cmd := exec.CommandContext( //nolint:gosec // our own script
		t.Context(), "sh", "-c", shellFile(t, "password"), "sh", "POSTGRES_PASSWORD", "sh", "-c",
		`printf '%s|%s|' "$PGPASSWORD" "$1"; cat`, "sh", "a  'b",
	)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), `POSTGRES_PASSWORD=p\a "$(id)`}
	cmd.Stdin = strings.NewReader("first\nsecond\n")
	out, err := cmd.Output()
	require.NoError(t, err)
	assert.Equal(t, `p\a "$(id)|a  'b|`+"first\nsecond\n", string(out))
}
