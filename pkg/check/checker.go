package check

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Workloads reads workloads and their Pods; *workload.Client does.
type Workloads interface {
	Get(ctx context.Context, namespace string, args []string) ([]*workload.Workload, error)
	StalePods(ctx context.Context, w *workload.Workload, secret string, changed time.Time) ([]*corev1.Pod, error)
}

// Databases finds the servers that a reference may mean; *target.Finder does.
type Databases interface {
	Candidates(ctx context.Context, ref target.Ref, choice target.Choice) ([]*target.Database, error)
}

// Server answers for the roles of one server; *postgres.Server does.
type Server interface {
	Survey(ctx context.Context, questions []postgres.Question, prove bool) (*postgres.Survey, error)
}

// Checker checks bindings. It changes nothing.
type Checker struct {
	Kube      kubernetes.Interface
	Workloads Workloads
	Databases Databases
	Server    func(*target.Database) Server
	Container string // that runs the server; empty: found
	// Prove also tries a login without a password where the server does not tell whether it asks for one.
	Prove bool
}

// Scope is what one call checks.
type Scope struct {
	Bindings []inventory.Binding
	// Orphans, if set, is the whole inventory of Namespace ("": of all), against which the servers' roles are held.
	Orphans   *inventory.Inventory
	Namespace string
	// Server is asked for orphans beside the servers of the bindings; an empty one is not. It may be absent unless it is Required.
	Server   target.Ref
	Required bool
}

// Check returns what it found about each binding and each role, the worst first; what could not be read is found to be unknown.
// The one error is the end of ctx (context.Cause).
func (c *Checker) Check(ctx context.Context, scope Scope) ([]Finding, error) {
	now := time.Now()
	all := make([]facts, len(scope.Bindings))
	for i := range scope.Bindings {
		all[i] = facts{now: now, binding: &scope.Bindings[i]}
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
		found = append(found, all[i].judge()...)
	}
	if scope.Orphans != nil {
		found = append(found, c.judgeRoles(ctx, scope, servers)...)
	}
	return sorted(found), nil
}
