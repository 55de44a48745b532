package rotate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/droprole"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/phases"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// reset discards what the last round read, and reads the Secret again if another writer changed it.
func (r *run) reset(ctx context.Context, i *item) error {
	conflict := i.conflict
	i.conflict, i.observed, i.plan, i.progress = nil, observed{}, nil, progress{}
	if conflict == nil {
		return nil
	}
	current, err := r.Kube.CoreV1().Secrets(i.Namespace).Get(ctx, i.SecretName, metav1.GetOptions{})
	if err != nil {
		return errors.Join(conflict, fmt.Errorf("read secret/%s in namespace %s: %w", i.SecretName, i.Namespace, err))
	}
	marks, ok := secret.MarksOf(current)
	if !ok || marks.ID != i.Marks.ID {
		return fmt.Errorf("secret/%s in namespace %s no longer belongs to this binding: %w", i.SecretName, i.Namespace, conflict)
	}
	b := *i.Binding
	b.Secret, b.Marks = current, marks
	i.Binding = &b
	return nil
}

// observe reads what a plan needs. It changes nothing.
func (r *run) observe(ctx context.Context, items []*item) {
	for _, i := range items {
		i.err = r.refuseUnfinished(i)
	}
	phases.Through(ctx, items, r.namespaces, r.findServers, r.survey, r.findUsers)
}

// refuseUnfinished refuses a Secret that its workload does not use: its bind is in progress or was interrupted.
func (r *run) refuseUnfinished(i *item) error {
	switch {
	case r.options.InPlace && i.Secret == nil:
		return fmt.Errorf(
			"secret/%s does not exist and Pods may still use its password: rotate without --in-place, which creates a new user",
			i.SecretName,
		)
	case i.Workload == nil || i.notes(i.Workload) || i.Marks.Inject == string(workload.InjectNone):
		return nil
	case workload.UsesSecret(&i.Workload.Template().Spec, i.SecretName): // a manifest can have the reference and not the annotation
		return nil
	}
	return fmt.Errorf("%s is not bound to secret/%s in namespace %s yet: finish that first: kubectl pgbind %s -n %s",
		i.Name, i.SecretName, i.Namespace, i.Name, i.Namespace)
}

// namespaces reads the UIDs of the namespaces.
func (r *run) namespaces(ctx context.Context, items []*item) {
	eachGroup(items, func(i *item) string { return i.Namespace }, func(namespace string, of []*item) {
		uid, err := secret.NamespaceUID(ctx, r.Kube, namespace)
		for _, i := range of {
			i.namespaceUID, i.err = uid, err
		}
	})
}

// findServers finds each server once: the one that the user named, or that of the Secret, or the default.
func (r *run) findServers(ctx context.Context, items []*item) {
	for _, i := range items {
		if i.ref = r.options.Postgres; !r.options.Named {
			i.ref, i.err = i.Location(r.options.Postgres)
		}
	}
	type place struct {
		ref      server.Ref
		location string // of the server that the metadata names: any of its Pods can be the primary now
	}
	eachGroup(phases.Open(items), func(i *item) place {
		if r.options.Named {
			return place{ref: i.ref}
		}
		return place{i.ref, i.Marks.Location}
	}, func(at place, of []*item) {
		choice := r.options.Choice
		choice.Location = at.location
		candidates, err := r.Endpoints.Candidates(ctx, at.ref, choice)
		if err == nil && len(candidates) == 0 {
			err = fmt.Errorf("%s in namespace %s has no Pod: name the primary with --postgres", at.ref, at.ref.Namespace)
		}
		for _, i := range of {
			i.candidates, i.err = candidates, err
		}
	})
}

// survey asks the servers what depends on the login roles. Items on a standby continue with the next candidate.
func (r *run) survey(ctx context.Context, items []*item) {
	for len(items) > 0 {
		for _, i := range items {
			i.endpoint, i.candidates = i.candidates[0], i.candidates[1:]
		}
		r.servers.each(items, func(roles Roles, batch []*item) {
			named := make([]postgres.LoginRole, len(batch))
			for n, i := range batch {
				named[n] = postgres.LoginRole{Owner: i.Owner(), Name: i.Marks.Role}
			}
			for n, found := range r.retirer(roles).Survey(ctx, named) {
				i := batch[n]
				if i.held, i.err = found.Holdings, found.Err; i.err != nil {
					i.err = fmt.Errorf("the login of secret/%s in pod/%s: %w", i.SecretName, i.endpoint.Pod.Name, found.Err)
				}
			}
		})
		for _, i := range items {
			if errors.Is(i.err, postgres.ErrStandby) && len(i.candidates) == 0 {
				i.err = server.NoPrimary(i.ref, i.err)
			}
		}
		items = filter(items, func(i *item) bool { return errors.Is(i.err, postgres.ErrStandby) && len(i.candidates) > 0 })
		for _, i := range items {
			i.err = nil
		}
	}
}

// findUsers lists the users of the logins, and whether their Pods must be replaced. The kinds of workloads are listed
// once for each namespace.
func (r *run) findUsers(ctx context.Context, items []*item) {
	eachGroup(items, func(i *item) string { return i.Namespace }, func(namespace string, of []*item) {
		var names []string
		for _, i := range of {
			names = append(names, i.SecretName)
		}
		users, err := r.Workloads.UsersOf(ctx, namespace, names)
		unlisted := (*workload.UnlistedError)(nil)
		if errors.As(err, &unlisted) {
			r.Report.Warn("%v", unlisted)
		}
		for _, i := range of {
			if err != nil && unlisted == nil {
				i.err = err
				continue
			}
			i.setUsers(users[i.SecretName], err == nil)
		}
	})
}

// setUsers sets the users of the Secret. complete reports whether all could be listed.
func (i *item) setUsers(users []*workload.Workload, complete bool) {
	i.unseen = !complete || len(users) == 0
	for _, user := range users {
		i.unseen = i.unseen || !i.restarts(user)
	}
	isBound := func(w *workload.Workload) bool { return i.Workload != nil && w.UID() == i.Workload.UID() }
	if i.users = users; i.Workload != nil && !slices.ContainsFunc(users, isBound) {
		i.users = append(i.users, i.Workload)
	}
}

// bound returns the workload of the binding, or nil if it does not use the Secret.
func (i *item) bound() *workload.Workload {
	if i.Workload != nil {
		return i.Workload
	}
	for _, user := range i.users {
		if user.String() == i.Marks.Workload {
			return user
		}
	}
	return nil
}

// restarts reports whether the workload gets a new login only with new Pods.
func (i *item) restarts(w *workload.Workload) bool {
	return workload.ReadsOnce(&w.Template().Spec, i.SecretName)
}

// notes reports whether a workload has the annotation of the binding.
func (i *item) notes(w *workload.Workload) bool {
	return secret.AnnotationsOf(w.Annotations())[i.SecretName].ID == i.Marks.ID
}

func (r *run) retirer(roles Roles) *droprole.Retirer {
	return &droprole.Retirer{Roles: roles, Report: r.Report}
}
