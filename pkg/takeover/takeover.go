// Package takeover moves workloads from a login that they share, or that of a superuser, to a binding of their own, and back. The former
// login is never altered. It contains no command line and no SQL.
package takeover

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/fit"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/keys"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/unbind"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Workloads reads workloads. *workload.Client implements it.
type Workloads interface {
	Variables(ctx context.Context, w *workload.Workload, container, own string) (read keys.Container, unread error, err error)
	Pods(ctx context.Context, w *workload.Workload) ([]*corev1.Pod, error)
	UsersOf(ctx context.Context, namespace string, secrets []string) (map[string][]*workload.Workload, error)
}

// Roles hands over objects on one server. *postgres.Server implements it.
type Roles interface {
	FormerLogin(ctx context.Context, a postgres.Access, role string) (*postgres.FormerLogin, error)
	Counted(ctx context.Context, database string, roles []string) (*postgres.Counted, error)
	VerifyLogin(ctx context.Context, role, database string, l postgres.Login) error
	TransferOwnership(ctx context.Context, transfer postgres.OwnershipTransfer) (*postgres.TransferResult, error)
	ReturnOwnership(ctx context.Context, transfer postgres.OwnershipTransfer) (*postgres.TransferResult, error)
	RevokeMembership(ctx context.Context, transfer postgres.OwnershipTransfer) (*postgres.TransferResult, error)
}

// Binder binds items. *binding.Pipeline implements it.
type Binder interface {
	Run(ctx context.Context, items []*binding.Item) error
}

// Unbinder removes bindings. *unbind.Unbinder implements it.
type Unbinder interface {
	Unbind(ctx context.Context, items []*unbind.Item, o unbind.Options) error
}

// Taker moves workloads to bindings of their own, and back.
type Taker struct {
	Workloads Workloads
	Endpoints binding.Endpoints
	Defaults  binding.Defaults
	Binder    Binder
	Unbinder  Unbinder
	Roles     func(e *server.Endpoint, spec v1alpha1.BindingSpec) Roles
	Kube      kubernetes.Interface
	Report    report.Reporter
	// Confirm returns nil if the user confirms the question.
	Confirm func(ctx context.Context, question string) error
}

// pause is the time between two looks at the sessions.
const pause = time.Second

// Take gives the workload of an item a login of its own under the names of its variables, hands over what the former login owns in the
// schemas of the binding, and waits until no session of the former login from this workload is left. Until the API server has accepted
// the change of the workload, an error rolls everything back. Running it again completes an interrupted run. The item has the result of
// the bind, and its error.
func (t *Taker) Take(ctx context.Context, i *binding.Item) error {
	s, err := t.observe(ctx, i)
	if err != nil {
		return err
	}
	dry := i.Options.DryRun != cmdutil.DryRunNone
	if others := s.others; len(others) > 0 {
		question := fmt.Sprintf("role %q is also used by %s in database %q: they lose the ownership of what this takeover hands over",
			s.login, strings.Join(others, ", "), s.access.Database)
		t.Report.Warn("%s", question)
		if !dry {
			if err := t.Confirm(ctx, question+". Continue?"); err != nil {
				return err
			}
		}
	}
	i.FormerLogin, i.OwnedBefore = s.login, s.state.Owned
	if dry {
		t.Report.Show(strings.Join(append(s.statements(), s.level(ctx), "---"), "\n"))
	}
	if err := t.Binder.Run(ctx, []*binding.Item{i}); err != nil || i.Err != nil || dry {
		return err
	}
	if err := t.finish(ctx, i, s); err != nil {
		return fmt.Errorf("%s has a login of its own, but the takeover is not complete: run the same command again: %w", i.Workload, err)
	}
	return nil
}

// statements returns the SQL that hands over what the former login owns.
func (s *state) statements() []string {
	lines := []string{fmt.Sprintf("# database %q: role %q stays as it is; what it owns in the schemas of the binding goes to %s",
		s.access.Database, s.login, s.access.Role())}
	for _, statement := range s.state.Statements {
		lines = append(lines, statement+";")
	}
	for _, k := range s.state.Stays {
		lines = append(lines, fmt.Sprintf("# %s stays with role %q: %s", k.Object, s.login, k.Reason))
	}
	return lines
}

// level returns a line about the level of the new user, from the statements that the server counted for the former login.
func (s *state) level(ctx context.Context) string {
	counted, err := s.roles.Counted(ctx, s.access.Database, []string{s.login})
	switch {
	case err != nil:
		return fmt.Sprintf("# access level all; the statements of role %q are unknown: %v", s.login, err)
	case len(counted.Statements) == 0:
		return fmt.Sprintf("# access level all; the server counted no statement of role %q", s.login)
	}
	since := ""
	if !counted.Since.IsZero() {
		since = " since " + counted.Since.UTC().Format(time.RFC3339)
	}
	if statement := fit.OwnerStatement(counted); statement != "" {
		return fmt.Sprintf("# access level all is needed: role %q executed%s: %s", s.login, since, statement)
	}
	return fmt.Sprintf(
		"# access level all; no statement of role %q%s needs it: after the takeover, kubectl pgbind check --fit finds a narrower one",
		s.login,
		since,
	)
}

// finish waits for the sessions of the former login, and hands over what these created meanwhile.
func (t *Taker) finish(ctx context.Context, i *binding.Item, s *state) error {
	transfer := postgres.OwnershipTransfer{Access: s.access, Login: s.login}
	if !i.Options.Wait {
		t.Report.Step("next: the same command without --wait=false, which waits for the sessions of role %q", s.login)
		return nil
	}
	if err := t.awaitSessions(ctx, i, s); err != nil {
		return err
	}
	done, err := s.roles.TransferOwnership(ctx, transfer)
	report.Transfer(t.Report, s.login, s.access.Role(), done)
	if err != nil {
		return fmt.Errorf("hand over what role %q created meanwhile: %w", s.login, err)
	}
	if s.state.Superuser {
		return nil
	}
	if len(s.others) > 0 {
		t.Report.Warn("role %q stays a member of role %s, because %s uses it; to end that: REVOKE %[2]s FROM %[4]s",
			s.login, s.access.Role(), strings.Join(s.others, ", "), postgres.Identifier(s.login))
		return nil
	}
	done, err = s.roles.RevokeMembership(ctx, transfer)
	report.Transfer(t.Report, s.access.Role(), s.login, done)
	return err
}

// awaitSessions waits until no session of the former login from the Pods that used it is left.
func (t *Taker) awaitSessions(ctx context.Context, i *binding.Item, s *state) error {
	ctx, cancel := workload.Limit(ctx, i.Options.Timeout)
	defer cancel()
	left := ""
	err := wait.PollUntilContextCancel(ctx, pause, true, func(ctx context.Context) (bool, error) {
		now, err := s.roles.FormerLogin(ctx, s.access, s.login)
		if err != nil {
			return false, err
		}
		var from []string
		for _, session := range now.Sessions {
			if name, ours := s.pods[session.Address]; ours {
				from = append(from, fmt.Sprintf("pod/%s (%d)", name, session.Count))
			}
		}
		slices.Sort(from)
		if text := strings.Join(from, ", "); text != left {
			left = text
			if left != "" {
				t.Report.Step("waiting for the sessions of role %q from %s", s.login, left)
			}
		}
		return len(from) == 0, nil
	})
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return fmt.Errorf("%w: role %q still has sessions from %s: replace these Pods", cause, s.login, left)
	}
	return err
}
