package cmd

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/command"
)

// wrong are wrong command lines by their command, and what the error contains.
func wrong() map[string]map[string]string {
	return map[string]map[string]string{
		"bind":   wrongBinds(),
		"unbind": withServer(wrongUnbinds()),
		"rotate": withServer(wrongRotations()),
		"takeover": withServer(map[string]string{
			"":                                     "TYPE/NAME",
			"deployment/a deployment/b --secret=s": "one workload at a time",
			"--all --secret=s":                     "one workload at a time",
			"deployment/a --all":                   "but not both",
			"--all --undo":                         "not with --undo",
			"deployment/a --bogus":                 "unknown flag",
			"deployment/a --undo --schema=x":       "--undo takes",
			"deployment/a --dry-run=maybe":         "dry-run",
			"deployment/a --timeout=-1s":           "--timeout",
		}),
		"check": withServer(wrongChecks()),
		"prune": withServer(wrongPrunes()),
		"apply": wrongApplies(),
		"diff": {
			"":           "file required",
			"--bogus":    "unknown flag: --bogus",
			"stray -f x": "unknown command \"stray\"",
			"-f":         "flag needs an argument",
		},
		"list": {
			"deployment/web": "unknown command",
			"--bogus":        "unknown flag",
			"-o xml":         "allowed formats are",
			"-l a=b=c":       "--selector",
			"--shard=3/2":    "--shard",
			"--tree -o json": "either",
		},
		"psql": withServer(wrongSessions()),
		"harden": withServer(
			map[string]string{"deployment/web": "unknown command", "--bogus": "unknown flag", "--dry-run=maybe": "dry-run"},
		),
		"servers": {
			"x":                   "unknown command",
			"--bogus":             "unknown flag",
			"-o xml":              "allowed formats are",
			"-o custom-columns=X": "invalid column",
		},
		"version":    {"x": "unknown command", "--bogus": "unknown flag", "-o xml": "use json or yaml"},
		"completion": {"csh": "invalid argument", "bash zsh": "accepts at most 1", "--bogus": "unknown flag"},
		"options":    {"x": "unknown command", "--bogus": "unknown flag"},
		"audit": { //nolint:gosec // flags, not credentials
			"x":                           "unknown command",
			"--bogus":                     "unknown flag",
			"-o xml":                      "invalid output format",
			"--fail-on=bad":               "--fail-on",
			"--postgres=job/x":            "use pod/NAME",
			"--postgres-namespace=data":   "needs --postgres",
			"--admin-password-from=stdin": "needs --postgres",
		},
	}
}

func wrongBinds() map[string]string {
	return map[string]string{
		"deployment":                                      "workload name required: use deployment/NAME",
		"web":                                             "did you mean deployment/web?",
		"deploment":                                       "did you mean deployment/NAME?",
		"deployment/":                                     "workload name required: use deployment/NAME",
		"deployment/a/b":                                  "is not in the form TYPE/NAME",
		"binding/web":                                     "check --fix binding/web",
		"deployment/a --access=owner":                     "use all, readwrite or readonly",
		"deployment/a --access=write":                     "use all, readwrite or readonly",
		"deployment/a b":                                  `"b" is not in the form TYPE/NAME`,
		"deployment/a --bogus":                            "unknown flag: --bogus",
		"deployment/a -f x.yaml":                          "you may not specify resource arguments as well",
		"deployment/a -R":                                 "--recursive needs -f",
		"deployment/a --all":                              "take one TYPE without a name",
		"-l app=web":                                      "take one TYPE without a name",
		"deployment api --all":                            "take one TYPE without a name",
		"deployment -l a=b=c":                             "read --selector",
		"deployment -l app=web --all":                     "but not both",
		"widgets.example.com -l app=web":                  "do not know the type",
		"-f - --all":                                      "but not both",
		"-f /nonexistent.yaml":                            "does not exist",
		"-f - --password-from=stdin":                      "cannot both read stdin",
		"deployment/a --revoke-public":                    "run kubectl pgbind harden",
		"deployment/a --port=x":                           "invalid argument",
		"deployment/a --port=99999":                       "--port: invalid port 99999",
		"deployment/a --access=some":                      "--access: ",
		"deployment/a --sslmode=on":                       "--sslmode: ",
		"deployment/a --preset=symfony":                   "--preset: ",
		"deployment/a --key=url":                          "--key: ",
		"deployment/a --env=X":                            "use NAME=TEMPLATE",
		"deployment/a --env=X={{.Passwort}}":              "--env: ",
		"deployment/a --inject=volume":                    "--inject: ",
		"deployment/a --mount-path=x":                     "--mount-path: ",
		"deployment/a --env-prefix=9x":                    "--env-prefix: invalid prefix \"9x\"",
		"deployment/a --expires=soon":                     "invalid --expires",
		"deployment/a --timeout=-1s":                      "invalid --timeout",
		"deployment/a --timeout=5":                        "missing unit",
		"deployment/a --dry-run=maybe":                    "dry-run",
		"deployment/a --postgres=job/x":                   "use pod/NAME",
		"deployment/a --postgres-namespace=A":             "--postgres-namespace: invalid name",
		"deployment/a --host=a/b":                         "--host: invalid host",
		"deployment/a --secret=A_B":                       "--secret: invalid name",
		"deployment/a --username=pg_x":                    "--username: user name \"pg_x\" is reserved",
		"deployment/a -c A":                               "--container: invalid name",
		"deployment/a --create-database":                  "--create-database: ",
		"deployment/a --password-from=cleartext":          "--password-from: ",
		"deployment/a deployment/b --username=u":          "--username names the user of one workload",
		"deployment a b --username=u":                     "--username names the user of one workload",
		"deployment/a deployment/b --secret=s":            "--secret names the Secret of one workload",
		"deployment/a -o xml":                             "allowed formats are",
		"deployment/a --names-from-workload --preset=url": "--names-from-workload: ",
		"--dbname=shop":                                   "workload required",
	}
}

func wrongUnbinds() map[string]string {
	return map[string]string{
		"":                                 "workload required",
		"deployment":                       "workload name required",
		"deployment/a --all":               "but not both",
		"deployment/a -A":                  "but not both",
		"deployment/a -o json":             "use -o name",
		"binding/":                         "binding name required",
		"deployment/a --shard=0/2":         "--shard needs",
		"--all --shard=3/2":                "read --shard",
		"--all -l a=b=c":                   "read --selector",
		"deployment/a --keep-role --purge": "specify only one",
		"deployment/a --drop-database --keep-role":  "--drop-database takes",
		"deployment/a deployment/b --drop-database": "--drop-database takes",
		"--all --drop-database":                     "--drop-database takes",
		"deployment/a --grace=-1s":                  "invalid --grace",
		"deployment/a --timeout=-1s":                "invalid --timeout",
		"deployment/a --dry-run=maybe":              "dry-run",
	}
}

func wrongRotations() map[string]string {
	return map[string]string{
		"":                                 "workload required",
		"deployment":                       "workload name required",
		"deployment/a --all":               "but not both",
		"deployment/a --older-than=1h":     "--older-than needs",
		"--all --older-than=soon":          "use a duration such as 30d",
		"binding/":                         "binding name required",
		"deployment/a -o json":             "use -o name",
		"--all --older-than=-1h":           "invalid --older-than",
		"deployment/a --grace=-1s":         "invalid --grace",
		"deployment/a --timeout=-1s":       "invalid --timeout",
		"deployment/a --drain-timeout=-1s": "invalid --drain-timeout",
		"deployment/a --settle=-1s":        "invalid --settle",
		"deployment/a --drop-after=-1s":    "invalid --drop-after",
		"--all -l a=b=c":                   "read --selector",
	}
}

func wrongChecks() map[string]string {
	return map[string]string{
		"deployment":               "workload name required",
		"deployment/a -A":          "but not both",
		"deployment/a --shard=0/2": "but not both",
		"binding/a -A":             "but not both",
		"binding/":                 "binding name required",
		"-l a=b=c":                 "read --selector",
		"--shard=3/2":              "read --shard",
		"-o xml":                   "allowed formats are",
		"--yes":                    "need --fix",
		"--dry-run=client":         "need --fix",
		"--fix --dry-run=maybe":    "dry-run",
		"--fix --grace=-1s":        "invalid --grace",
		"--fix --timeout=-1s":      "invalid --timeout",
	}
}

func wrongPrunes() map[string]string {
	return map[string]string{
		"x":               "unknown command",
		"-l a=b=c":        "read --selector",
		"--shard=3/2":     "read --shard",
		"--grace=-1s":     "invalid --grace",
		"--dry-run=maybe": "dry-run",
		"--timeout=-1s":   "invalid --timeout",
		"-o json":         "use -o name",
	}
}

func wrongApplies() map[string]string {
	return map[string]string{
		"":                              "file required",
		"x":                             "unknown command",
		"--bogus":                       "unknown flag",
		"-f x --prune":                  "--prune needs --selector",
		"-f x -l a=b":                   "need --prune",
		"-f x --yes":                    "need --prune",
		"-f x --prune -l a=b=c":         "read --selector",
		"-f x --concurrency=0":          "1 or more",
		"-f x --server-concurrency=0":   "1 or more",
		"-f x --shard=3/2":              "read --shard",
		"-f x --timeout=-1s":            "invalid --timeout",
		"-f x --grace=-1s":              "invalid --grace",
		"-f x --dry-run=maybe":          "dry-run",
		"-f x -o xml":                   "allowed formats are",
		"-f https://example.com/x.yaml": "curl -L https://example.com/x.yaml | kubectl pgbind apply -f -",
	}
}

func wrongSessions() map[string]string {
	return map[string]string{ //nolint:gosec // flags, not credentials
		"deployment":                "workload name required",
		"deployment/a deployment/b": "psql takes one workload",
		"deployment/a -X":           "options of psql go after --: kubectl pgbind psql deployment/web -- -c 'SELECT 1'",
		"binding/a binding/b":       "psql opens one binding",
		"binding/a --secret=s":      "psql opens one binding",
		"binding/":                  "binding name required",
		"--postgres=pod/x --admin-password-from=stdin": "psql reads standard input",
		"deployment/a --dbname=shop":                   "--dbname needs --admin without a workload",
		"deployment/a --admin --dbname=shop":           "--dbname needs --admin without a workload",
		"--secret=s --admin --dbname=shop":             "choose the binding with --secret",
	}
}

// withServer adds what every command with the flags of a server refuses.
func withServer(lines map[string]string) map[string]string {
	lines["--bogus"] = "unknown flag: --bogus"
	subject := ""
	if _, needsWorkload := lines[""]; needsWorkload {
		subject = "deployment/a "
	}
	lines[subject+"--postgres=job/x"] = "use pod/NAME"
	lines[subject+"--admin-password-from=secret/a:b"] = "needs --postgres"
	lines[subject+"--postgres=pod/x --admin-password-from=cleartext"] = "--admin-password-from: "
	return lines
}

// TestExecute_RefusesWrongUsage requires that each command refuses wrong command lines before it sends a request.
func TestExecute_RefusesWrongUsage(t *testing.T) {
	requests := clusterWithoutAnswers(t)
	tables := wrong()
	for _, cmd := range tree(t) {
		if !cmd.HasParent() || cmd.Name() == "help" {
			continue
		}
		require.NotEmpty(t, tables[cmd.Name()], "%s needs a table", cmd.Name())
		for line, want := range tables[cmd.Name()] {
			requireUsageError(t, append([]string{cmd.Name()}, strings.Fields(line)...), want)
			if cmd.Name() == "bind" {
				requireUsageError(t, strings.Fields(line), want)
			}
		}
	}
	requireUsageError(t, []string{"bind"}, "workload required")
	requireUsageError(t, []string{"help", ""}, `unknown command ""`+` for "kubectl pgbind": see "kubectl pgbind --help"`+"\n")
	for _, command := range [][]string{nil, {"bind"}, {"unbind"}, {"rotate"}, {"takeover"}, {"check"}, {"psql"}} {
		requireUsageError(t, append(command, ""), "the workload is empty: name it as TYPE/NAME, for example deployment/web\n")
		requireUsageError(t, append(command, "deployment", ""), "an argument is empty: name each workload as TYPE/NAME")
	}
	assert.Zero(t, requests.Load())
}

func requireUsageError(t *testing.T, args []string, want string) {
	t.Helper()
	streams, _, out, errOut := genericiooptions.NewTestIOStreams()
	code := Execute(t.Context(), streams, args)
	assert.Equal(t, command.Usage, code, "%v: %s", args, errOut)
	assert.Empty(t, out.String(), "%v", args)
	assert.Contains(t, errOut.String(), want, "%v", args)
	assert.True(t, strings.HasPrefix(errOut.String(), "error: "), "%v: %s", args, errOut)
	assert.NotContains(t, errOut.String(), "cleartext", "it can be a password")
}

// clusterWithoutAnswers is an API server that refuses every request and counts them.
func clusterWithoutAnswers(t *testing.T) *atomic.Int64 {
	t.Helper()
	requests := &atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		w.WriteHeader(http.StatusForbidden)
	}))
	t.Cleanup(server.Close)
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"near": {Server: server.URL}},
		Contexts:       map[string]*clientcmdapi.Context{"here": {Cluster: "near"}},
		CurrentContext: "here",
	}, kubeconfig))
	t.Setenv("KUBECONFIG", kubeconfig)
	return requests
}

// TestExecute_ReturnsTheCodeOfAFailure: what fails has 1, or 2 if 1 means that something was found.
func TestExecute_ReturnsTheCodeOfAFailure(t *testing.T) {
	requests := clusterWithoutAnswers(t)
	for line, want := range map[string]int{
		"bind deployment/a": 1, "deployment/a": 1, "unbind deployment/a": 1, "rotate deployment/a": 1, "prune": 1, "list": 1, "servers": 1,
		"psql deployment/a": 1, "apply -f no-such-file": 1, "check": 2, "check deployment/a": 2, "audit": 2, "diff -f no-such-file": 2,
		"completion": 0, "version": 0, "": 0,
	} {
		streams, _, _, errOut := genericiooptions.NewTestIOStreams()
		assert.Equal(t, want, Execute(t.Context(), streams, strings.Fields(line)), "%q: %s", line, errOut)
	}
	assert.NotZero(t, requests.Load())
}

func TestFlags_SuggestASimilarName(t *testing.T) {
	for typed, meant := range map[string]string{
		"--postgress=service/db": "--postgres", "--db-name=shop": "--dbname", "--acces=all": "--access", "--namespce=x": "--namespace",
	} {
		_, errOut, code := run(t, "deployment/web", typed)
		assert.Equal(t, command.Usage, code)
		assert.Contains(t, errOut, "did you mean "+meant, typed)
	}
	for line, want := range map[string]string{ //nolint:gosec // flags, not credentials
		"rotate deployment/web --bogus": "unknown flag: --bogus",
		"deployment/web --database=a":   "unknown flag: --database: did you mean --dbname?",
		"deployment/web --db=a":         "unknown flag: --db: did you mean --dbname?",
		"unbind deployment/web --db=a":  "unknown flag: --db: did you mean --dbname?",
		"deployment/web -d app":         "unknown shorthand flag: 'd' in -d: did you mean --dbname?",
		"deployment/web --role=a":       "unknown flag: --role: did you mean --username?",
		"rotate deployment/web --role":  "unknown flag: --role",
		"deployment/web --read-only":    "unknown flag: --read-only: did you mean --access readonly?",
		"deployment/web --readonly":     "unknown flag: --readonly: did you mean --access readonly?",
		"deployment/web --rw":           "unknown flag: --rw: did you mean --access readwrite?",
		"deployment/web --secret-name":  "unknown flag: --secret-name: did you mean --secret?",
		"deployment/web --service=pg":   "unknown flag: --service: did you mean --postgres service/NAME?",
		"deployment/web --pg=a":         "unknown flag: --pg: did you mean --postgres?",
		"unbind deployment/web --host":  "unknown flag: --host: did you mean --postgres?",
		"psql deployment/web --host":    "unknown flag: --host: did you mean --postgres?",
		"psql deployment/web --secrt=a": "unknown flag: --secrt: did you mean --secret?",
		"deployment/web -A":             "unknown shorthand flag: 'A' in -A",
		"deployment/web -x":             "unknown shorthand flag: 'x' in -x",
		"deployment/web --xy":           "unknown flag: --xy",
		"list -d":                       "unknown shorthand flag: 'd' in -d",
		"deployment/web --password=a":   "unknown flag: --password: did you mean --password-from?",
	} {
		_, errOut, code := run(t, strings.Fields(line)...)
		assert.Equal(t, command.Usage, code, line)
		first, _, _ := strings.Cut(errOut, "\n")
		assert.Equal(t, "error: "+want, first, line)
	}
}

func TestHelp_RejectsAnUnknownCommand(t *testing.T) {
	requireUsageError(t, []string{"help", "nope"}, `error: unknown command "nope" for "kubectl pgbind": see "kubectl pgbind --help"`+"\n")
	requireUsageError(t, []string{"help", "delete"}, `error: unknown command "delete" for "kubectl pgbind": did you mean "unbind"?`+"\n")
	requireUsageError(
		t,
		[]string{"help", "bind", "x"},
		`error: unknown command "x" for "kubectl pgbind bind": see "kubectl pgbind bind --help"`+"\n",
	)
	for _, args := range [][]string{{"help", "rotate"}, {"rotate", "--help"}} {
		out, errOut, code := run(t, args...)
		assert.Equal(t, 0, code)
		assert.Empty(t, errOut)
		assert.True(t, strings.HasPrefix(out, "Replace the PostgreSQL users"), out)
	}
}

func TestOptions_HasHelp(t *testing.T) {
	options, _, code := run(t, "options")
	require.Equal(t, 0, code)
	for _, args := range [][]string{{"options", "--help"}, {"help", "options"}} {
		out, _, code := run(t, args...)
		assert.Equal(t, 0, code)
		assert.Equal(t, options, out)
	}
}

func TestExecute_SuggestsTheCommand(t *testing.T) {
	for command, words := range map[string][]string{
		"bind": {"create", "add"}, "unbind": {"delete", "remove", "unset"}, "check": {"status", "verify", "doctor"}, "list": {"show", "get", "ls"},
		"psql": {"connect", "shell", "exec"}, "version": {"vresion"}, "completion": {"completio"},
	} {
		for _, word := range words {
			want := `error: unknown command "` + word + `" for "kubectl pgbind": did you mean "` + command + `"?` + "\n"
			requireUsageError(t, []string{word}, want)
			requireUsageError(t, []string{word, "deployment/web"}, want)
		}
	}
}
