package unbind

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/lookup"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/retire"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
)

// survey finds the server and what the binding's roles hold there, and reports it.
func (u *Unbinder) survey(ctx context.Context, b *binding) error {
	if b.options.Abandon {
		return nil
	}
	ref, err := b.location()
	if err != nil {
		return err
	}
	candidates, err := u.Databases.Candidates(ctx, ref, b.options.Choice)
	if err != nil {
		return fmt.Errorf("%w (if the database is gone for good, --abandon-role takes back the rest)", err)
	}
	for _, database := range candidates {
		b.roles = u.Roles(database, b.Marks.Database)
		if b.held, err = u.retirer(b).Survey(ctx, b.Marks.Role); err == nil {
			return nil
		}
		err = fmt.Errorf("the login of %s in pod/%s: %w", b.Name, database.Pod.Name, err)
		if !errors.Is(err, postgres.ErrStandby) {
			break
		}
	}
	return err
}

// refresh looks at the roles again if a rotation has changed the Secret before it heard that the binding is being taken back. A Secret that
// is gone, or another binding's by now, is none to delete.
func (u *Unbinder) refresh(ctx context.Context, b *binding) error {
	current, err := u.readSecret(ctx, b)
	if err != nil {
		return err
	}
	if current == nil {
		b.Secret = nil
		return nil
	}
	marks, _ := credentials.MarksOf(current)
	if marks.ID != b.Marks.ID {
		b.Secret = nil
		return nil
	}
	if current.ResourceVersion == b.Secret.ResourceVersion {
		return nil
	}
	b.Secret, b.Marks = current, marks
	return u.survey(ctx, b)
}

// readSecret reads the Secret as it is now; nil where there is none.
func (u *Unbinder) readSecret(ctx context.Context, b *binding) (*corev1.Secret, error) {
	if b.Secret == nil {
		return nil, nil
	}
	current, err := u.Kube.CoreV1().Secrets(b.Namespace).Get(ctx, b.SecretName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read secret/%s in namespace %s: %w", b.SecretName, b.Namespace, err)
	}
	return current, nil
}

// location is where the binding's server runs: where the user says, else where the Secret says, else the default.
func (b *binding) location() (target.Ref, error) {
	if b.options.Named {
		return b.options.Postgres, nil
	}
	return b.Location(b.options.Postgres)
}

func (u *Unbinder) retirer(b *binding) *retire.Retirer {
	return &retire.Retirer{Roles: b.roles, Owner: b.Owner(), Report: u.Report, Grace: b.options.Grace, Found: b.held}
}

// retire locks every login role of the binding out and drops it; one is kept without its login if the options say so.
func (u *Unbinder) retire(ctx context.Context, b *binding) error {
	if b.roles == nil {
		return nil
	}
	r := u.retirer(b)
	for _, holder := range b.held.Roles {
		if err := r.LockOut(ctx, holder.Role); err != nil {
			return err
		}
	}
	for _, holder := range b.held.Roles {
		if b.options.Keep && holder.Role == b.Marks.Role {
			continue
		}
		if err := r.Drop(ctx, holder.Role, b.held.Databases); err != nil {
			return err
		}
		u.Report.Done("role/"+holder.Role, "dropped")
	}
	return u.keep(ctx, b)
}

// keep gives the role that stays the name that the first run of a new binding looks for. A name that the user chose stays.
func (u *Unbinder) keep(ctx context.Context, b *binding) error {
	there := slices.ContainsFunc(b.held.Roles, func(h postgres.Holder) bool { return h.Role == b.Marks.Role })
	if !b.options.Keep || !there {
		return nil
	}
	const first = 1
	name := b.Marks.Role
	if name == credentials.RoleName(b.Marks.ID, b.Marks.Generation) {
		name = credentials.RoleName(b.Marks.ID, first)
	}
	if err := b.roles.Rename(ctx, b.Owner(), b.Marks.Role, name); err != nil {
		return fmt.Errorf("rename role %q: %w", b.Marks.Role, err)
	}
	u.Report.Done("role/"+name, "kept without its login")
	return nil
}

// purge removes the access role if nothing uses it any more.
func (u *Unbinder) purge(ctx context.Context, b *binding) error {
	access := b.accessRole()
	if b.roles == nil || !b.options.Purge || access == "" {
		return nil
	}
	did, stays, err := b.roles.Purge(ctx, access)
	for _, statement := range did {
		u.Report.Step("%s", statement)
	}
	switch {
	case err != nil:
		return fmt.Errorf("remove access role %q: %w", access, err)
	case stays:
		u.Report.Warn("access role %s stays: it has other members, or owns what the workload made", access)
	default:
		u.Report.Done("role/"+access, "dropped")
	}
	return nil
}

// accessRole is the access role of the binding. Once the login role is gone, only the Secret still tells.
func (b *binding) accessRole() string {
	if b.held != nil {
		for _, holder := range b.held.Roles {
			if holder.Access != "" {
				return holder.Access
			}
		}
	}
	return b.markedAccessRole()
}

// markedAccessRole is the access role that the marks tell of; empty where they tell of none.
func (b *binding) markedAccessRole() string {
	if b.Marks.Access == "" {
		return ""
	}
	return lookup.AccessOf(b.Marks).Role()
}

// leftover tells what nobody could do on a server that is gone.
func (u *Unbinder) leftover(b *binding) error {
	sql, err := postgres.Leftover(b.Marks.Role, b.markedAccessRole())
	if err != nil {
		return err
	}
	u.Report.Warn("role %s stays, if its server is still there. What is left to do:", b.Marks.Role)
	u.Report.Show(sql)
	return nil
}
