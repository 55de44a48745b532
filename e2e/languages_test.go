//go:build e2e

package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// language is a locale, with the words of the server in it.
type language struct {
	name, locale string
	words        []string
}

// languages returns English first. Names have the same length, so that tables have the same width.
func languages() []language {
	return []language{
		{"server-en", "C.UTF-8", []string{"ERROR:", "division by zero", `password authentication failed for user "postgres"`}},
		{
			"server-de",
			"de_DE.UTF-8",
			[]string{"FEHLER:", "Division durch Null", "Passwort-Authentifizierung für Benutzer »postgres« fehlgeschlagen"},
		},
		{"server-ja", "ja_JP.UTF-8", []string{"ERROR:", "0 による除算が行われました", `ユーザー"postgres"のパスワード認証に失敗しました`}},
	}
}

// TestLanguages runs commands that succeed and that fail on servers that differ only in the language of the messages of the server and of the
// programs in its container. pgbind does the same, and prints the same, except for the words of the server.
func TestLanguages(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	f.create(passwordSecret())
	var pods []*corev1.Pod
	for _, l := range languages() {
		pods = append(pods, postgresPod(l.name, extrasImage, map[string]string{"POSTGRES_INITDB_ARGS": "--auth=scram-sha-256"},
			func(pod *corev1.Pod) { speaks(pod, l.locale) }))
	}
	f.startPostgres(pods...)
	outcomes := make([][]string, len(languages()))
	t.Run("on", func(t *testing.T) {
		for i, l := range languages() {
			t.Run(l.name, func(t *testing.T) {
				t.Parallel()
				f := f.in(t)
				f.idle("web-" + l.name)
				require.Contains(t, f.inLanguage(l, "SELECT 1 / 0").Stderr, l.words[1])
				outcomes[i] = f.outcomesIn(l)
			})
		}
	})
	for i, l := range languages() {
		assert.Equal(t, outcomes[0], outcomes[i], l.name)
	}
}

// inLanguage runs SQL as the administrator.
func (f *fixture) inLanguage(l language, sql string) harness.Result {
	f.t.Helper()
	return f.run(f.inPod(l.name, `PGPASSWORD=$POSTGRES_PASSWORD exec psql --username=postgres --no-psqlrc --quiet --file=-`).Stdin(sql))
}

// accidental are the parts of an output that differ between two bindings and between two sessions, and what other tests cause.
var accidental = regexp.MustCompile(
	`(?m)^Warning: list .*: the server could not find the requested resource\n|pgb_[0-9a-z]+|process \d+|\d+(\.\d+){3}`,
)

// outcomesIn returns what each command did on the server, without names and without the words of the server.
func (f *fixture) outcomesIn(l language) []string {
	workload, server := "deployment/web-"+l.name, "--postgres=pod/"+l.name
	var outcomes []string
	try := func(what string, command *harness.Command) {
		f.t.Helper()
		result := f.run(command)
		text := fmt.Sprintf("%s: exit code %d\n%s\n%s", what, result.Code, result.Stdout, result.Stderr)
		text = strings.ReplaceAll(accidental.ReplaceAllString(text, "<x>"), l.name, "<server>")
		for i, words := range l.words {
			text = strings.ReplaceAll(text, words, fmt.Sprintf("<words %d>", i))
		}
		outcomes = append(outcomes, text)
	}
	bind := func(args ...string) *harness.Command {
		return f.Pgbind(append([]string{workload, server, "--secret=" + l.name, "--access=readwrite", "--wait=false"}, args...)...)
	}
	f.inLanguage(l, "CREATE TABLE company (id int); CREATE ROLE weak LOGIN PASSWORD 'weak'")
	try("a database that does not exist", bind("--dbname=missing"))
	try("a password that is wrong", bind("--admin-password-from=stdin").Stdin("wrong\n"))
	try("an administrator who does not exist", bind("--admin-user=nobody"))
	try("an administrator who may not", bind("--admin-user=weak", "--admin-password-from=stdin").Stdin("weak\n"))
	try("a parameter that does not exist", bind("--set=nonsense=1"))
	f.inLanguage(
		l,
		`CREATE FUNCTION public.refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no, said the trigger'; END $$;
		CREATE EVENT TRIGGER refuse ON ddl_command_end WHEN TAG IN ('GRANT') EXECUTE FUNCTION public.refuse()`,
	)
	try("an event trigger that fails", bind())
	f.inLanguage(l, "DROP EVENT TRIGGER refuse")
	end := f.changePrivileges(l)
	try("bind while another session changes privileges", bind())
	end()
	try("bind", bind())
	try("bind again", bind())
	try("check", f.Pgbind("check", workload))
	try("psql that fails", f.Pgbind("psql", workload, "--", "--command=SELECT 1 / 0"))
	try("rotate", f.Pgbind("rotate", workload, "--grace=0s"))
	try("unbind", f.Pgbind("unbind", workload, "--grace=0s", "--purge"))
	try("a port that nothing listens on", bind("--host=127.0.0.1", "--port=1"))
	return outcomes
}

// changePrivileges has another session hold a change of the privileges on a table until the function that it returns is called.
func (f *fixture) changePrivileges(l language) (end func()) {
	f.t.Helper()
	ended := make(chan error, 1)
	session := f.inPod(l.name, `PGPASSWORD=$POSTGRES_PASSWORD PGAPPNAME=other exec psql --username=postgres --file=-`).
		Stdin("BEGIN; GRANT SELECT ON company TO PUBLIC; SELECT pg_sleep(300)")
	go func() {
		_, err := session.Run(f.ctx)
		ended <- err
	}()
	const others = "FROM pg_stat_activity WHERE application_name = 'other' AND wait_event = 'PgSleep'"
	f.eventually("the other session has its change", func() bool {
		return strings.Contains(f.inLanguage(l, "SELECT 'others: ' || count(*) "+others).Stdout, "others: 1")
	})
	return func() {
		f.inLanguage(l, "SELECT pg_terminate_backend(pid) "+others)
		require.NoError(f.t, <-ended)
	}
}
