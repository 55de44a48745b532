package binding

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// adoptLogin plans to adopt the login that the workload uses already, from a Secret without metadata, if the user asks for that. found
// is false if there is no such Secret. remembered is the Secret that the workload notes for this binding.
func (r *run) adoptLogin(ctx context.Context, i *Item, p *Plan, remembered string) (found bool, err error) {
	if !p.options.Adopt || remembered != "" || p.spec.NamesFromWorkload {
		return false, nil
	}
	used := map[string]workload.Reference{}
	if p.workload.HasTemplate() {
		used = workload.UsedSecrets(p.workload.Template(), p.containers)
	}
	names := slices.Sorted(maps.Keys(used))
	if p.spec.Secret != "" {
		names = []string{p.spec.Secret}
	}
	existing, err := r.adoptable(ctx, p, names)
	if existing == nil || err != nil {
		return false, err
	}
	if marks, ours := secret.MarksOf(existing); ours { // of an interrupted run
		if err := p.adopt(existing); err != nil || !marks.Adopted {
			return true, err
		}
		c, _ := secret.Of(existing)
		p.adopted, p.role.Adopt = &c, true
		return true, nil
	}
	if !r.reserve(i, existing.Name) {
		return true, refuseTaken(types.NamespacedName{Namespace: existing.Namespace, Name: existing.Name},
			fmt.Errorf("%w, because another binding of this run uses it", errTaken))
	}
	if err := p.adoptSecret(existing, used[existing.Name]); err != nil {
		return true, err
	}
	return true, r.refuseOthers(ctx, i, p)
}

// adoptable returns the only Secret of these names that has the keys of the binding and no metadata, or the one that has the metadata of
// the binding. It returns nil if there is none.
func (r *run) adoptable(ctx context.Context, p *Plan, names []string) (*corev1.Secret, error) {
	var found []*corev1.Secret
	for _, name := range names {
		s, err := r.Kube.CoreV1().Secrets(p.workload.Namespace()).Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read secret/%s in namespace %s: %w", name, p.workload.Namespace(), err)
		}
		marks, marked := secret.MarksOf(s)
		if marked && marks.ID == p.role.Owner.ID {
			return s, nil
		}
		if _, complete := secret.Read(s, p.spec); complete && !marked {
			found = append(found, s)
		}
	}
	if len(found) > 1 {
		of := make([]string, len(found))
		for n, s := range found {
			of[n] = "secret/" + s.Name
		}
		return nil, fmt.Errorf("%s uses several Secrets with a login (%s): choose one with --secret", p.workload, strings.Join(of, ", "))
	}
	if len(found) == 0 {
		return nil, nil //nolint:nilnil // there is none
	}
	return found[0], nil
}

// adoptSecret plans to adopt the login in a Secret, which the workload uses in this way.
func (p *Plan) adoptSecret(existing *corev1.Secret, used workload.Reference) error {
	c, _ := secret.Read(existing, p.spec)
	in := fmt.Sprintf("secret/%s in namespace %s", existing.Name, existing.Namespace)
	switch {
	case p.spec.Username != "" && p.spec.Username != c.Username:
		return fmt.Errorf("%s has another user name than --username: leave the flag out", in)
	case p.options.Values.Password != "" && p.options.Values.Password != c.Password:
		return fmt.Errorf("%s has another password than --password-from: leave the flag out", in)
	case !slices.Contains(p.endpoint.Hosts(p.workload.Namespace()), c.Host):
		return fmt.Errorf(
			"%s has the host %q, which is no known name of pod/%s: choose the server of the login with --postgres, or confirm the host with --host %[2]s",
			in,
			c.Host,
			p.endpoint.Pod.Name,
		)
	case c.Database != "" && c.Database != p.spec.DBName:
		return fmt.Errorf("%s has the database %q, not %q: choose it with --dbname", in, c.Database, p.spec.DBName)
	}
	if err := errors.Join(postgres.CheckRoleName(c.Username), postgres.CheckPassword(c.Password)); err != nil {
		return fmt.Errorf("%s has a login that no binding can have: %w", in, err)
	}
	c.Port = cmp.Or(c.Port, server.DefaultPort)
	if p.merged.Inject == "" && !p.options.Exact {
		p.merged.Inject, p.merged.EnvPrefix = string(used.Inject), cmp.Or(p.merged.EnvPrefix, used.Prefix)
	}
	p.spec = p.merged.WithDefaults(p.workload.Namespace())
	p.spec.Username, p.adopted, p.password, p.completesAdoption, p.role.Adopt = c.Username, &c, c.Password, true, true
	p.use(plannedSecret{name: existing.Name, generation: 1, existing: existing})
	return nil
}

// refuseOthers refuses a login that other workloads or Secrets of the namespace use as well, because a rotation or an unbind would take
// it from them. The user can confirm it with --force.
func (r *run) refuseOthers(ctx context.Context, i *Item, p *Plan) error {
	if p.options.Force || i.observed {
		return nil
	}
	var others []string
	users, err := r.Workloads.Users(ctx, i.namespace(), p.secret.name)
	if unlisted := (*workload.UnlistedError)(nil); errors.As(err, &unlisted) {
		i.Report.Warn("%v", unlisted)
	} else if err != nil {
		return err
	}
	for _, user := range users {
		if user.String() != p.workload.String() {
			others = append(others, user.String())
		}
	}
	secrets, err := r.Kube.CoreV1().Secrets(i.namespace()).List(ctx, metav1.ListOptions{})
	if apierrors.IsForbidden(err) {
		i.Report.Warn("the Secrets of namespace %s cannot be listed, and another one may have this login as well: %v", i.namespace(), err)
	} else if err != nil {
		return fmt.Errorf("list the Secrets in namespace %s: %w", i.namespace(), err)
	}
	for n := range secrets.Items {
		if s := &secrets.Items[n]; s.Name != p.secret.name && has(s, p.adopted.Username) && has(s, p.adopted.Password) {
			others = append(others, "secret/"+s.Name)
		}
	}
	if len(others) == 0 {
		return nil
	}
	return fmt.Errorf(
		"the login of secret/%s is also used by %s, which would lose it with the next rotation: give them bindings of their own, or use --force",
		p.secret.name,
		strings.Join(others, ", "),
	)
}

// has reports whether a Secret has a key with this value.
func has(s *corev1.Secret, value string) bool {
	for _, held := range s.Data {
		if string(held) == value {
			return true
		}
	}
	return false
}

// refuseNewPods refuses an adoption that changes the pod template: the Pods would be replaced.
func (p *Plan) refuseNewPods() error {
	if p.adopted == nil || p.injectsNothing() {
		return nil
	}
	to, err := p.changed(p.workload)
	if err == nil && equality.Semantic.DeepEqual(to.Template().Spec, p.workload.Template().Spec) {
		if p.workload.IsPod() || equality.Semantic.DeepEqual(to.Template().ObjectMeta, p.workload.Template().ObjectMeta) {
			return nil // the metadata of a Pod can change
		}
	}
	return fmt.Errorf(
		"%s does not use all of secret/%s in the way in which a bind with --inject %s writes it, so its Pods would be replaced: "+
			"use --inject none, which leaves the pod template as it is",
		p.workload,
		p.secret.name,
		p.spec.Inject,
	)
}

// verifyAdopted verifies the logins to adopt before anything is written, and returns the items that can continue.
func (r *run) verifyAdopted(ctx context.Context, s Server, batch []*Item) []*Item {
	return slices.DeleteFunc(slices.Clone(batch), func(i *Item) bool {
		if i.plan.action != adoptRole {
			return false
		}
		i.standby = nil
		err := s.Adoptable(ctx, i.plan.role, i.plan.login(false))
		if err != nil {
			r.handleOutcome(ctx, s, i, postgres.Outcome{Err: err})
			return true
		}
		i.toRollBack.Push(r.releaseRole(i.plan))
		return false
	})
}

// refuseAdoption explains why a login is not adopted.
func (p *Plan) refuseAdoption(err error) error {
	login, gone := (*postgres.LoginError)(nil), (*postgres.GoneError)(nil)
	switch {
	case errors.As(err, &gone), errors.Is(err, postgres.ErrIncomplete):
		return fmt.Errorf(
			"role %q of secret/%s does not exist or cannot log in: leave out --adopt, and remove the reference to the Secret",
			p.role.Name, p.secret.name,
		)
	case errors.As(err, &login):
		return fmt.Errorf(
			"role %q does not take the password of secret/%s: correct the Secret, or leave out --adopt: %s",
			p.role.Name, p.secret.name, login.Message,
		)
	}
	return fmt.Errorf("adopt role %q of secret/%s: %w", p.role.Name, p.secret.name, err)
}
