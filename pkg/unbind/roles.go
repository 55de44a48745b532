package unbind

import (
	"context"
	"fmt"
	"slices"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/droprole"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/parallel"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/phases"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

func (r *run) retirer(t *target) *droprole.Retirer {
	return &droprole.Retirer{Roles: t.roles, Report: r.Report, Grace: r.options.Grace}
}

// eachTarget calls do for the items of each server.
func eachTarget(items []*Item, do func(on *target, items []*Item)) {
	onServer := slices.DeleteFunc(slices.Clone(items), func(i *Item) bool { return i.server == nil })
	each(parallel.GroupBy(onServer, func(i *Item) *target { return i.server }), func(group []*Item) { do(group[0].server, group) })
}

// retire disables and drops every login role of the bindings. With Keep, it only disables the current one of each.
func (r *run) retire(ctx context.Context, on *target, items []*Item) {
	bindingOf := map[*droprole.Role]*Item{}
	var all, dropped []*droprole.Role
	for _, i := range items {
		for _, holder := range i.held.Roles {
			role := droprole.RoleOf(i.Owner(), i.held, holder.Role)
			bindingOf[role], all = i, append(all, role)
			if !r.options.Keep || role.Name != i.Marks.Role {
				dropped = append(dropped, role)
			}
		}
	}
	retirer := r.retirer(on)
	retirer.LockOut(ctx, all)
	retirer.Drop(ctx, dropped)
	for _, role := range all {
		bindingOf[role].Fail(role.Err)
	}
	for _, role := range dropped {
		if role.Err == nil {
			r.Report.Done("role/"+role.Name, "dropped")
		}
	}
	if r.options.Keep {
		r.keep(ctx, on, phases.Open(items))
	}
}

// keep renames the roles that stay to the names that the next bind looks for. A name that the user chose stays.
func (r *run) keep(ctx context.Context, on *target, items []*Item) {
	const first = 1
	var kept []*Item
	var names []postgres.NewName
	for _, i := range items {
		if !slices.ContainsFunc(i.held.Roles, func(h postgres.RoleDependencies) bool { return h.Role == i.Marks.Role }) {
			continue
		}
		name := i.Marks.Role
		if name == secret.RoleName(i.Marks.ID, i.Marks.Generation) {
			name = secret.RoleName(i.Marks.ID, first)
		}
		kept = append(kept, i)
		names = append(names, postgres.NewName{LoginRole: postgres.LoginRole{Owner: i.Owner(), Name: i.Marks.Role}, To: name})
	}
	for at, change := range on.roles.Rename(ctx, names) {
		if change.Err != nil {
			kept[at].Fail(fmt.Errorf("rename role %q: %w", names[at].Name, change.Err))
			continue
		}
		r.Report.Done("role/"+names[at].To, "kept without login")
	}
}

// purge drops the access roles that nothing uses any more.
func (r *run) purge(ctx context.Context, on *target, items []*Item) {
	var names []string
	bindingsOf := map[string][]*Item{}
	for _, i := range items {
		access := i.accessRole()
		if access == "" {
			continue
		}
		if bindingsOf[access] == nil {
			names = append(names, access)
		}
		bindingsOf[access] = append(bindingsOf[access], i)
	}
	for at, purged := range on.roles.Purge(ctx, names) {
		for _, statement := range purged.Did {
			r.Report.Detail("%s", statement)
		}
		switch {
		case purged.Err != nil:
			for _, i := range bindingsOf[names[at]] {
				i.Fail(fmt.Errorf("drop access role %q: %w", names[at], purged.Err))
			}
		case purged.Stays:
			r.Report.Warn("access role %s stays: it has other members, or owns objects of the workload", names[at])
		default:
			r.Report.Done("role/"+names[at], "dropped")
		}
	}
}

// accessRole returns the access role of the binding. After the login role is dropped, only the Secret names it.
func (i *Item) accessRole() string {
	for _, holder := range i.held.Roles {
		if holder.Access != "" {
			return holder.Access
		}
	}
	return i.markedAccessRole()
}

// markedAccessRole returns the access role that the metadata names, or an empty string.
func (i *Item) markedAccessRole() string {
	if i.Marks.Access == "" {
		return ""
	}
	return inventory.AccessOf(i.Marks).Role()
}
