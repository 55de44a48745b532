package unbind

import (
	"context"
	"errors"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/parallel"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/phases"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// observe finds the bindings, and refuses those that are still needed or that cannot be removed. It changes nothing. It
// returns the items, and one more for each owner container.
func (r *run) observe(ctx context.Context, items []*Item) []*Item {
	for _, group := range parallel.GroupBy(phases.Open(items), func(i *Item) string { return i.Namespace }) {
		secrets, err := inventory.List(ctx, r.Kube, group[0].Namespace)
		for _, i := range group {
			if i.Fail(err); err != nil {
				continue
			}
			owner, err := r.find(ctx, secrets, i)
			if i.Fail(err); owner != nil {
				items = append(items, owner)
			}
		}
	}
	if !r.options.Force {
		r.refuseUsed(ctx, phases.Open(items))
	}
	if r.options.DryRun != cmdutil.DryRunClient {
		r.dryRun(ctx, phases.Open(items))
	}
	if !r.options.Abandon {
		r.survey(ctx, phases.Open(items))
	}
	if r.options.DropDatabase {
		r.checkDatabases(ctx, phases.Open(items))
	}
	return items
}

// find finds the binding of an item. It returns another item if the workload's owner container has a binding as well.
func (r *run) find(ctx context.Context, secrets *inventory.Secrets, i *Item) (owner *Item, err error) {
	found, err := secrets.FindAll(ctx, i.Subject, i.filter)
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		i.nothing = true
		r.Report.Step("nothing is bound to %s", i.Name)
		r.Report.Done(i.Name, "unchanged")
		return nil, nil
	case len(found) > 1 && r.options.DropDatabase:
		return nil, fmt.Errorf(
			"%s and its owner container have a binding each, by secret/%s and secret/%s: remove that of the owner container first, with --secret",
			i.Name,
			found[0].SecretName,
			found[1].SecretName,
		)
	case len(found) > 1:
		owner = &Item{Binding: *found[1], Choice: i.Choice}
	}
	i.Binding = *found[0]
	return owner, nil
}

// lists reads what uses Secrets: for many items each kind of a namespace once.
func (r *run) lists(items []*Item) Lists {
	if len(items) < workload.ListThreshold {
		return r.Workloads
	}
	return r.Snapshot()
}

// refuseUsed refuses items whose Secret something else uses. A list that is not complete is a warning, once for each namespace.
func (r *run) refuseUsed(ctx context.Context, items []*Item) {
	lists, warned := r.lists(items), map[string]bool{}
	for _, i := range items {
		users, err := lists.Users(ctx, i.Namespace, i.SecretName)
		if unlisted := (*workload.UnlistedError)(nil); errors.As(err, &unlisted) {
			if !warned[i.Namespace] {
				r.Report.Warn("%v", unlisted)
			}
			warned[i.Namespace], err = true, nil
		}
		if i.Fail(err); err == nil {
			i.Fail(i.refuseUsers(users))
		}
	}
}

// refuseUsers returns an error if other workloads use the Secret, or the workload itself does in another way.
func (i *Item) refuseUsers(users []*workload.Workload) error {
	var others []string
	for _, user := range users {
		if i.Workload == nil || user.UID() != i.Workload.UID() {
			others = append(others, user.String())
		}
	}
	if len(others) > 0 {
		return fmt.Errorf(
			"secret/%s is also used by %s: remove these references first, or use --force", i.SecretName,
			strings.Join(others, ", "),
		)
	}
	if i.Workload == nil {
		return nil
	}
	if tool, restored := workload.RestoredBy(i.Workload, i.SecretName); restored {
		return fmt.Errorf(
			"the manifest of %s references secret/%s, and %s would restore the reference after it is removed, so that new Pods cannot "+
				"start: remove the reference from the manifest and apply it first, or use --force",
			i.Name,
			i.SecretName,
			tool,
		)
	}
	without := i.Workload.DeepCopy()
	if err := i.removeReference(without); err != nil {
		return err
	}
	if workload.UsesSecret(&without.Template().Spec, i.SecretName) {
		return fmt.Errorf("%s also references secret/%s in a way that pgbind did not create: remove that reference first, or use --force",
			i.Name, i.SecretName)
	}
	return nil
}

// dryRun sends writes as a dry run. The API server decides by user, kind and namespace, so one item of each kind in a
// namespace is enough; the next one is sent only if the server refuses.
func (r *run) dryRun(ctx context.Context, items []*Item) {
	var bound, stored []*Item
	for _, i := range items {
		if i.Workload != nil {
			bound = append(bound, i)
		}
	}
	r.tryFirst(bound, func(i *Item) string { return i.Workload.Kind().Kind + " in " + i.Namespace }, func(i *Item) error {
		if _, _, err := r.sendPatch(ctx, i, i.removeReference, true); err != nil {
			return fmt.Errorf("the reference to secret/%s cannot be removed: %w", i.SecretName, err)
		}
		if _, err := r.Workloads.OutdatedPods(ctx, i.Workload, i.SecretName); err != nil {
			return fmt.Errorf("cannot wait for the Pods of %s: %w", i.Name, err)
		}
		return nil
	})
	for _, i := range phases.Open(items) {
		if i.Secret != nil {
			stored = append(stored, i)
		}
	}
	r.tryFirst(stored, func(i *Item) string { return i.Namespace }, func(i *Item) error {
		if _, err := r.readSecret(ctx, i); err != nil {
			return err
		}
		if err := r.deleteSecret(ctx, i, metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}}); err != nil {
			return fmt.Errorf("%w: unbind needs permission to delete it", err)
		}
		return nil
	})
}

// tryFirst sends the request of the first item of each kind, and that of the next one if it was refused.
func (r *run) tryFirst(items []*Item, kindOf func(*Item) string, send func(*Item) error) {
	phases.TryFirst(items, atOnce, kindOf, func(i *Item) error {
		i.Fail(send(i))
		return i.Err
	})
}

// location is how to find the server of an item.
type location struct {
	ref    server.Ref
	choice server.Choice
}

// survey finds the servers, and reports what depends on the bindings' roles there.
func (r *run) survey(ctx context.Context, items []*Item) {
	places := map[*Item]location{}
	for _, i := range items {
		ref, err := r.options.Postgres, error(nil)
		if !r.options.Named {
			ref, err = i.Location(r.options.Postgres)
		}
		places[i] = location{ref, i.Choice}
		if !r.options.Named {
			places[i] = location{ref, i.at(i.Choice)}
		}
		i.Fail(err)
	}
	each(parallel.GroupBy(phases.Open(items), func(i *Item) location { return places[i] }), func(group []*Item) {
		place := places[group[0]]
		candidates, err := r.Endpoints.Candidates(ctx, place.ref, place.choice)
		if err != nil {
			err = fmt.Errorf("%w (if the database no longer exists, use --abandon-role to remove the rest)", err)
			for _, i := range group {
				i.Fail(err)
			}
			return
		}
		// The administrator works in the database of the bindings, under the name that their metadata has.
		type session struct{ database, user string }
		each(parallel.GroupBy(group, func(i *Item) session { return session{i.Marks.DBName, i.Marks.AdminUser} }), func(items []*Item) {
			r.surveyServer(ctx, items, candidates)
		})
	})
}

// surveyServer asks the candidates one after the other until one is not a standby.
func (r *run) surveyServer(ctx context.Context, items []*Item, candidates []*server.Endpoint) {
	var standby error
	for _, endpoint := range candidates {
		on := &target{r.Roles(endpoint, &items[0].Binding)}
		var named []postgres.LoginRole
		for _, i := range items {
			named = append(named, postgres.LoginRole{Owner: i.Owner(), Name: i.Marks.Role})
		}
		var standbys []*Item
		for at, found := range r.retirer(on).Survey(ctx, named) {
			i := items[at]
			i.server, i.held = on, found.Holdings
			if found.Err == nil {
				continue
			}
			err := fmt.Errorf("its login in pod/%s: %w", endpoint.Pod.Name, found.Err)
			if errors.Is(err, postgres.ErrStandby) {
				standby, standbys = err, append(standbys, i)
				continue
			}
			i.Fail(err)
		}
		if items = standbys; len(items) == 0 {
			return
		}
	}
	for _, i := range items {
		i.Fail(fmt.Errorf("%w: no Pod of the server is the primary now: wait until one is, and run the command again", standby))
	}
}

// at returns the choice for the server that the metadata names: any of its Pods can be the primary now.
func (i *Item) at(choice server.Choice) server.Choice {
	choice.Location = i.Marks.Location
	return choice
}
