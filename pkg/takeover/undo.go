package takeover

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/keys"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/unbind"
)

// Undo gives the former login back what a takeover handed over and what the application created since then, restores the variables of
// the workload, and removes the binding. The new Pods keep the privileges of their level until they are gone. Running it again completes
// an interrupted run.
func (t *Taker) Undo(ctx context.Context, n inventory.Subject, choice server.Choice, o unbind.Options) error {
	secrets, err := inventory.List(ctx, t.Kube, n.Namespace)
	if err != nil {
		return err
	}
	b, err := find(ctx, secrets, n, inventory.Filter{})
	switch {
	case err != nil:
		return err
	case b == nil:
		return fmt.Errorf("%s in namespace %s has no binding", n.Name, n.Namespace)
	case b.Secret != nil && b.Marks.FormerLogin == "":
		return fmt.Errorf("%s was not taken over: remove its binding with: kubectl pgbind unbind %s -n %s", n.Name, n.Name, n.Namespace)
	}
	item := unbind.NewItem(n, inventory.Filter{Secret: b.SecretName})
	item.Choice = choice
	o.Purge = true
	if b.Secret == nil { // an earlier run gave everything back, and deleted the Secret last
		return t.Unbinder.Unbind(ctx, []*unbind.Item{item}, o)
	}
	transfer := postgres.OwnershipTransfer{
		Access: inventory.AccessOf(b.Marks),
		Login:  b.Marks.FormerLogin,
		Except: b.Marks.OwnedBefore,
		Own:    b.Marks.Role,
	}
	s, err := t.readFormer(ctx, b, choice, o)
	if err != nil {
		return err
	}
	if o.DryRun != cmdutil.DryRunNone {
		t.Report.Show(strings.Join(returned(transfer, s.state), "\n"))
		return t.Unbinder.Unbind(ctx, []*unbind.Item{item}, o)
	}
	question := fmt.Sprintf("role %q gets what role %s owns in database %q. Continue?",
		transfer.Login, transfer.Access.Role(), transfer.Access.Database)
	if err := t.Confirm(ctx, question); err != nil {
		return err
	}
	transfer.Owner = b.Owner()
	foreign := (*postgres.ForeignRoleError)(nil)
	if err := t.returnOwnership(ctx, s, transfer); errors.As(err, &foreign) {
		// An earlier run gave everything back before it dropped the login role, or the metadata is forged.
		t.Report.Warn(
			"no login role of the binding is a member of role %s: nothing is given back, and the binding is removed",
			transfer.Access.Role(),
		)
		return t.Unbinder.Unbind(ctx, []*unbind.Item{item}, o)
	} else if err != nil {
		return err
	}
	transfer.Owner = postgres.Owner{}
	if err := t.Unbinder.Unbind(ctx, []*unbind.Item{item}, o); err != nil {
		return err
	}
	return t.returnOwnership(ctx, s, transfer) // what the last Pods created
}

// readFormer finds the server and the former login, and verifies it: the application uses it again after the undo.
func (t *Taker) readFormer(ctx context.Context, b *inventory.Binding, choice server.Choice, o unbind.Options) (*state, error) {
	ref, err := o.Postgres, error(nil)
	if !o.Named {
		if ref, err = b.Location(ref); err != nil {
			return nil, err
		}
	}
	candidates, err := t.Endpoints.Candidates(ctx, ref, choice)
	if err != nil {
		return nil, err
	}
	s := &state{login: b.Marks.FormerLogin, access: inventory.AccessOf(b.Marks)}
	if err := t.readServer(ctx, s, b.Marks.BindingSpec, candidates); err != nil {
		return nil, err
	}
	former, err := t.formerOf(ctx, b, candidates[0])
	if err != nil {
		return nil, err
	}
	if former.Username != s.login {
		return nil, fmt.Errorf(
			"the metadata of secret/%s names role %q as the former login, but the former variables of %s name another one: "+
				"remove the binding with: kubectl pgbind unbind %[3]s -n %s",
			b.SecretName,
			s.login,
			b.Name,
			b.Namespace,
		)
	}
	return s, verify(ctx, b.Name, s, former)
}

// formerOf returns the login that the workload had before the takeover.
func (t *Taker) formerOf(ctx context.Context, b *inventory.Binding, e *server.Endpoint) (keys.Values, error) {
	if b.Workload == nil {
		return keys.Values{}, fmt.Errorf(
			"%s in namespace %s was deleted: remove its binding with: kubectl pgbind unbind %[1]s -n %[2]s", b.Name,
			b.Namespace,
		)
	}
	before, err := restored(b.Workload, b)
	if err != nil {
		return keys.Values{}, err
	}
	return t.recognize(ctx, before, b.Marks.WithDefaults(b.Namespace), reader{e, b.SecretName})
}

// returnOwnership gives the former login what the access role owns. If another session prevents a part of it, nothing else may happen, because
// the Secret names that role.
func (t *Taker) returnOwnership(ctx context.Context, s *state, transfer postgres.OwnershipTransfer) error {
	done, err := s.roles.ReturnOwnership(ctx, transfer)
	report.Transfer(t.Report, transfer.Access.Role(), transfer.Login, done)
	if err != nil {
		return fmt.Errorf("give back what role %s owns to role %q: %w", transfer.Access.Role(), transfer.Login, err)
	}
	if len(done.Sharers) > 0 && !s.state.Superuser {
		return fmt.Errorf(
			"role %q needs the ownership of what role %s owns, which it cannot have while %s share that role: unbind them first, "+
				"or change the owners yourself",
			transfer.Login,
			transfer.Access.Role(),
			strings.Join(done.Sharers, ", "),
		)
	}
	if len(done.Unfinished) > 0 {
		return fmt.Errorf("role %q did not get everything back: %s", transfer.Login, done.Unfinished[0])
	}
	return nil
}

// returned describes what goes back.
func returned(transfer postgres.OwnershipTransfer, f *postgres.FormerLogin) []string {
	lines := []string{fmt.Sprintf("# database %q: to role %q", transfer.Access.Database, transfer.Login)}
	for _, object := range f.Owned {
		if !slices.Contains(transfer.Except, object) {
			lines = append(lines, "# "+object)
		}
	}
	return append(lines, "---")
}
