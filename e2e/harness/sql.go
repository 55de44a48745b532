package harness

import (
	"context"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// Login contains host, user, password and database of an application.
type Login struct {
	Host, Username, Password string
}

// Login reads the login from the Secret.
func (n *Namespace) Login(ctx context.Context, secret string) (Login, error) {
	object, err := n.Client.CoreV1().Secrets(n.Name).Get(ctx, secret, metav1.GetOptions{})
	if err != nil {
		return Login{}, fmt.Errorf("read the login: %w", err)
	}
	value := func(key string) string { return string(object.Data[key]) }
	return Login{Host: value("POSTGRES_HOST"), Username: value("POSTGRES_USERNAME"), Password: value("POSTGRES_PASSWORD")}, nil
}

// AdminSQL runs the SQL as the role postgres in the database Pod and returns the rows, unaligned, without headers. It
// keeps the default search_path, as in an administrator's own session.
func (n *Namespace) AdminSQL(ctx context.Context, sql string) (string, error) {
	command := n.inDatabase(append([]string{"psql", "--username=postgres"}, psqlFlags()...)...)
	rows, err := command.Stdin(sql).Output(ctx)
	return strings.TrimSpace(rows), err
}

// UserSQL runs the SQL with the application's login, through the Service. The server asks for the password there.
func (n *Namespace) UserSQL(ctx context.Context, login Login, sql string) (string, error) {
	script := `IFS= read -r PGPASSWORD; export PGPASSWORD; exec psql "$@"`
	psql := []string{"sh", "-c", script, "psql", "--host=" + login.Host, "--username=" + login.Username}
	rows, err := n.inDatabase(append(psql, psqlFlags()...)...).Stdin(login.Password + "\n" + sql).Output(ctx)
	return strings.TrimSpace(rows), err
}

// LogsIn tries each login at its host, one after another, and returns the users whose passwords the server accepted.
func (n *Namespace) LogsIn(ctx context.Context, logins []Login) ([]string, error) {
	script := `while read -r PGHOST PGUSER PGPASSWORD; do
		export PGHOST PGUSER PGPASSWORD
		psql --dbname=postgres --no-psqlrc --no-password --command='SELECT 1' </dev/null >/dev/null && echo "$PGUSER"
	done; true`
	lines := &strings.Builder{}
	for _, l := range logins {
		fmt.Fprintln(lines, l.Host, l.Username, l.Password)
	}
	users, err := n.inDatabase("sh", "-c", script).Stdin(lines.String()).Output(ctx)
	return strings.Fields(users), err
}

func (n *Namespace) inDatabase(command ...string) *Command {
	args := []string{"exec", "--stdin", lesson.DatabasePod, "--container=" + lesson.Container, "--"}
	return n.Kubectl(append(args, command...)...)
}

func psqlFlags() []string {
	return []string{"--dbname=postgres", "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--no-password",
		"--set=ON_ERROR_STOP=1", "--file=-"}
}
