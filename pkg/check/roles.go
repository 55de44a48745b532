package check

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

// home is what is known of the namespace that a role's mark names.
type home struct {
	uid string // empty: not known
	err error
}

// judgeRoles tells of the marked roles that no Secret names.
func (c *Checker) judgeRoles(ctx context.Context, scope Scope, servers []*server) []Finding {
	homes, known := map[string]home{}, byID(scope.Orphans)
	var found []Finding
	for _, s := range servers {
		if s.survey == nil || s.err != nil {
			found = append(found, s.unread(scope)...)
			continue
		}
		for _, role := range s.survey.Roles {
			if !role.Marked || scope.Namespace != "" && role.Owner.Namespace != scope.Namespace {
				continue
			}
			if b := known[types.NamespacedName{Namespace: role.Owner.Namespace, Name: role.Owner.ID}]; b != nil {
				found = append(found, leftover(b, role)...)
				continue
			}
			if _, read := homes[role.Owner.Namespace]; !read {
				homes[role.Owner.Namespace] = c.home(ctx, role.Owner.Namespace)
			}
			found = append(found, s.judgeRole(role, homes[role.Owner.Namespace], scope.Orphans))
		}
	}
	return found
}

// byID finds the bindings by their namespaces and ids.
func byID(i *inventory.Inventory) map[types.NamespacedName]*inventory.Binding {
	bindings := map[types.NamespacedName]*inventory.Binding{}
	for n := range i.Bindings {
		b := &i.Bindings[n]
		bindings[types.NamespacedName{Namespace: b.Namespace, Name: b.Marks.ID}] = b
	}
	return bindings
}

// leftover is a role of a binding that is not the one which its Secret names. Pods that were not replaced yet may still use it.
func leftover(b *inventory.Binding, role postgres.MarkedRole) []Finding {
	if role.Name == b.Marks.Role {
		return nil
	}
	f := (&facts{binding: b}).finding(Leftover, fmt.Sprintf("role %q is left from an earlier generation", role.Name), command(b, "rotate", b.Marks.Workload))
	f.Role = role.Name
	return one(f)
}

func (c *Checker) home(ctx context.Context, name string) home {
	namespace, err := c.Kube.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return home{err: err}
	}
	return home{uid: string(namespace.UID)}
}

// unread says that a server without bindings could not be asked; with some, each of them says so.
func (s *server) unread(scope Scope) []Finding {
	if len(s.facts) > 0 {
		return nil
	}
	return one(Finding{Reason: Unknown, Namespace: scope.Namespace, Message: fmt.Sprintf("%s in namespace %s cannot be asked for orphans%s", s.ref, s.ref.Namespace, because(s.err))})
}

// judgeRole judges a role of which no Secret and no workload tells. It is an orphan only if its own namespace, known by its
// UID, was read whole and has neither a Secret nor a workload for it; what was not read is unknown.
func (s *server) judgeRole(role postgres.MarkedRole, h home, i *inventory.Inventory) Finding {
	b := &inventory.Binding{Namespace: role.Owner.Namespace, Marks: credentials.Marks{
		ID: role.Owner.ID, Role: role.Name, Database: defaultDatabase, Postgres: s.ref.String(), PostgresNamespace: s.ref.Namespace,
	}}
	f := &facts{binding: b}
	workloads, whole := i.Workloads(role.Owner.Namespace)
	switch {
	case apierrors.IsNotFound(h.err):
		return f.finding(Unknown, fmt.Sprintf("role %q belongs to namespace %q, which is gone, if it was one of this cluster", role.Name, role.Owner.Namespace), "")
	case h.err != nil:
		return f.finding(Unknown, fmt.Sprintf("role %q has no Secret, but its namespace cannot be read%s", role.Name, because(h.err)), "")
	case role.Owner.NamespaceUID == "":
		return f.finding(Unknown, fmt.Sprintf("role %q has no Secret, but its mark does not tell its namespace's UID", role.Name), "")
	case role.Owner.NamespaceUID != h.uid:
		return f.finding(Unknown, fmt.Sprintf("role %q belongs to another namespace %q, of another cluster or an earlier time", role.Name, role.Owner.Namespace), "")
	case !i.SecretsRead() || !whole:
		return f.finding(Unknown, fmt.Sprintf("role %q has no Secret that may be read", role.Name), canI("list", "secrets", b))
	}
	for _, w := range workloads {
		if database, ok := s.bindingOf(w, role.Owner); ok {
			b.Marks.Workload, b.Marks.Database = w.Name, database
			return f.finding(Unfinished, fmt.Sprintf("role %q has no Secret: a bind did not come to its end", role.Name), rebind(b))
		}
	}
	orphan := f.finding(OrphanedRole, fmt.Sprintf("role %q has neither Secret nor workload", role.Name), command(b, append([]string{"prune"}, databaseFlags(b)...)...))
	orphan.Server, orphan.Owner = s.ref, role.Owner
	return orphan
}

// bindingOf tells whether the owner's id is that of the workload, and for which database of the server.
func (s *server) bindingOf(w inventory.Workload, o postgres.Owner) (database string, ok bool) {
	identity := credentials.Identity(w.Namespace, w.Name, w.UID)
	for _, database := range s.survey.Databases {
		if credentials.ID(identity, s.candidates[0].Location, database) == o.ID {
			return database, true
		}
	}
	return "", false
}
