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

// survey finds the server and reports what depends on the binding's roles there.
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
		return fmt.Errorf("%w (if the database no longer exists, use --abandon-role to remove the rest)", err)
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

// refresh reads the roles again if a rotation changed the Secret before it noticed the unbind. A Secret that was deleted, or that
// belongs to another binding by now, is not deleted.
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

// readSecret reads the current Secret; nil if it does not exist.
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

// location returns the binding's server: from the user, or else from the Secret, or else the default.
func (b *binding) location() (target.Ref, error) {
	if b.options.Named {
		return b.options.Postgres, nil
	}
	return b.Location(b.options.Postgres)
}

func (u *Unbinder) retirer(b *binding) *retire.Retirer {
	return &retire.Retirer{Roles: b.roles, Owner: b.Owner(), Report: u.Report, Grace: b.options.Grace, Found: b.held}
}

// retire disables and drops every login role of the binding. With Keep, it only disables the current one.
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

// keep renames the role that stays to the name that the next bind looks for. A name that the user chose stays.
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
	u.Report.Done("role/"+name, "kept without login")
	return nil
}

// purge drops the access role if nothing uses it any more.
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
		return fmt.Errorf("drop access role %q: %w", access, err)
	case stays:
		u.Report.Warn("access role %s stays: it has other members, or owns objects of the workload", access)
	default:
		u.Report.Done("role/"+access, "dropped")
	}
	return nil
}

// accessRole returns the access role of the binding. After the login role is dropped, only the Secret names it.
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

// markedAccessRole returns the access role that the metadata names, or an empty string.
func (b *binding) markedAccessRole() string {
	if b.Marks.Access == "" {
		return ""
	}
	return lookup.AccessOf(b.Marks).Role()
}

// leftover prints the statements to run if the abandoned server still exists.
func (u *Unbinder) leftover(b *binding) error {
	sql, err := postgres.Leftover(b.Marks.Role, b.markedAccessRole())
	if err != nil {
		return err
	}
	u.Report.Warn("role %s was not dropped. If its server still exists, run:", b.Marks.Role)
	u.Report.Show(sql)
	return nil
}
