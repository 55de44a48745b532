package check

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Workloads reads workloads and their Pods. *workload.Client implements it.
type Workloads interface {
	LookupAll(ctx context.Context, namespace string, names []string) []*workload.Named
	Hidden(ctx context.Context, w *workload.Workload, secret string, keys []string) []workload.Hidden
	StalePods(ctx context.Context, w *workload.Workload, secret string, changed time.Time) ([]*corev1.Pod, error)
}

// Endpoints finds the servers that a reference can mean. *server.Finder implements it.
type Endpoints interface {
	Candidates(ctx context.Context, ref server.Ref, choice server.Choice) ([]*server.Endpoint, error)
}

// Server reports on the roles of one server. *postgres.Server implements it.
type Server interface {
	Survey(ctx context.Context, questions []postgres.Question, prove bool) (*postgres.Survey, error)
}

// Checker checks bindings. It changes nothing.
type Checker struct {
	Kube      kubernetes.Interface
	Workloads Workloads
	Endpoints Endpoints
	Server    func(*server.Endpoint) Server
	Container string // the server's container; empty: detected
	// Prove also tries a login without a password if the server does not report how it authenticates.
	Prove bool
	// ServerNamespace is the namespace of servers that the user named. A fix creates no role in other namespaces than
	// this and the workload's.
	ServerNamespace string
}

// Scope is what one call of Check covers.
type Scope struct {
	Bindings []inventory.Entry
	// Orphans, if set, is the whole inventory of Namespace ("" means all namespaces). Roles that it does not contain are orphans.
	Orphans   *inventory.Inventory
	Namespace string
	// Server is searched for orphans in addition to the servers of the bindings, unless it is empty. If it does not exist, that is
	// a finding only if it is Required.
	Server   server.Ref
	Required bool
}

// Check returns the findings for each binding and each role, the worst first. What it cannot read becomes an Unknown finding.
// It returns an error only if ctx ends (context.Cause).
func (c *Checker) Check(ctx context.Context, scope Scope) ([]Finding, error) {
	now := time.Now()
	all := make([]facts, len(scope.Bindings))
	for i := range scope.Bindings {
		all[i] = facts{now: now, binding: &scope.Bindings[i], named: c.ServerNamespace}
	}
	c.readAPI(ctx, all)
	servers := c.findServers(ctx, all, scope)
	for _, s := range servers {
		c.survey(ctx, s)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var found []Finding
	for i := range all {
		found = append(found, all[i].check()...)
	}
	if scope.Orphans != nil {
		found = append(found, c.checkRoles(ctx, scope, servers)...)
	}
	return sorted(found), nil
}
