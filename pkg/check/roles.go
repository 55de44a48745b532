package check

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

// home is what is known of the namespace that a role's comment names.
type home struct {
	uid string // empty: unknown
	err error
}

// checkRoles reports roles with our comment that no Secret names.
func (c *Checker) checkRoles(ctx context.Context, scope Scope, servers []*serverFacts) []Finding {
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
			found = append(found, s.checkRole(role, homes[role.Owner.Namespace], scope.Orphans))
		}
	}
	return found
}

// byID indexes the bindings by namespace and id.
func byID(i *inventory.Inventory) map[types.NamespacedName]*inventory.Entry {
	bindings := map[types.NamespacedName]*inventory.Entry{}
	for n := range i.Entries {
		b := &i.Entries[n]
		bindings[types.NamespacedName{Namespace: b.Namespace, Name: b.Marks.ID}] = b
	}
	return bindings
}

// leftover reports a role of the binding that its Secret does not name. Pods that are not replaced yet can still use it.
func leftover(b *inventory.Entry, role postgres.MarkedRole) []Finding {
	if role.Name == b.Marks.Role {
		return nil
	}
	f := (&facts{binding: b}).finding(
		Leftover,
		fmt.Sprintf(
			"role %q is left from an earlier generation",
			role.Name,
		),
		Fix{Command: command(b, "rotate", b.Marks.Workload, "--secret", b.SecretName), Action: Rotate},
	)
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

// unread reports a server that cannot be queried. If the server has bindings, their own findings report it.
func (s *serverFacts) unread(scope Scope) []Finding {
	if len(s.facts) > 0 {
		return nil
	}
	return one(Finding{Reason: Unknown, Namespace: scope.Namespace,
		Message: fmt.Sprintf("%s in namespace %s cannot be searched for orphans%s", s.ref, s.ref.Namespace, because(s.err))})
}

// checkRole reports a role without Secret. The role is an orphan only if all Secrets and workloads of its own namespace, identified
// by its UID, could be read and none belongs to it. Otherwise the finding is Unknown.
func (s *serverFacts) checkRole(role postgres.MarkedRole, h home, i *inventory.Inventory) Finding {
	b := &inventory.Entry{Namespace: role.Owner.Namespace, Marks: secret.Marks{
		BindingSpec:   v1alpha1.BindingSpec{Postgres: s.ref.String(), PostgresNamespace: s.ref.Namespace},
		BindingStatus: v1alpha1.BindingStatus{ID: role.Owner.ID, Role: role.Name},
	}}
	f := &facts{binding: b}
	workloads, whole := i.Workloads(role.Owner.Namespace)
	switch {
	case apierrors.IsNotFound(h.err):
		return f.finding(Unknown,
			fmt.Sprintf("role %q names namespace %q, which does not exist in this cluster", role.Name, role.Owner.Namespace), Fix{})
	case h.err != nil:
		return f.finding(
			Unknown,
			fmt.Sprintf("role %q has no Secret, but its namespace cannot be read%s", role.Name, because(h.err)), Fix{},
		)
	case role.Owner.NamespaceUID == "":
		return f.finding(Unknown, fmt.Sprintf("role %q has no Secret, but its comment has no namespace UID", role.Name), Fix{})
	case role.Owner.NamespaceUID != h.uid:
		return f.finding(Unknown, fmt.Sprintf("role %q belongs to an earlier namespace %q or to one in another cluster",
			role.Name, role.Owner.Namespace), Fix{})
	case !i.SecretsRead() || !whole:
		return f.finding(Unknown, fmt.Sprintf("role %q has no Secret that can be read", role.Name), canI("list", "secrets", b))
	}
	for _, w := range workloads {
		if s.bindingOf(w, role.Owner, &b.Marks.BindingSpec) {
			// with an access level that is not known
			return f.finding(Unfinished, fmt.Sprintf("role %q has no Secret: a bind was interrupted", role.Name), byHand(rebind(b).Command))
		}
	}
	orphan := f.finding(OrphanedRole, fmt.Sprintf("role %q has neither Secret nor workload", role.Name),
		prune(b, serverFlags(b.Marks.BindingSpec, b.Namespace)...))
	orphan.Server, orphan.Owner = s.ref, role.Owner
	return orphan
}

// unknownContainer stands for the name of an owner container in a command, which the user has to replace.
const unknownContainer = "CONTAINER"

// bindingOf reports whether the owner's id is the workload's, and adds to the spec what the id is for. The id says whether the binding is
// that of an owner container, and not its name.
func (s *serverFacts) bindingOf(w inventory.Workload, o postgres.Owner, spec *v1alpha1.BindingSpec) bool {
	identity := secret.Identity(w.Namespace, w.Name, w.UID)
	for _, database := range s.survey.Databases {
		for container, isOwner := range map[string]bool{"": false, unknownContainer: true} {
			if secret.ID(identity, s.candidates[0].Location, database, isOwner) == o.ID {
				spec.Workload, spec.DBName, spec.OwnerContainer = w.Name, database, container
				return true
			}
		}
	}
	return false
}
