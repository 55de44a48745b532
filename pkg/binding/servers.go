package binding

import (
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/parallel"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// servers are the servers of one run. The limit is that of simultaneous execs in the Pods of a node, whose processors they share.
type servers struct {
	pool  *parallel.Pool[sessionKey, Server]
	open  func(e *server.Endpoint, spec v1alpha1.BindingSpec, adminPassword string) Server
	batch int // the maximum number of bindings in an exec
}

// sessionKey identifies how a session is opened: sessions with the same key share a Server.
type sessionKey struct{ namespace, pod, container, admin, password, database string }

func newServers(p *Pipeline, items int) *servers {
	limit := max(p.ServerConcurrency, 1)
	return &servers{pool: parallel.NewPool[sessionKey, Server](limit), open: p.Server, batch: parallel.BatchSize(items, limit)}
}

// sessionKeyOf returns the session key of a plan.
func sessionKeyOf(p *Plan) sessionKey {
	e, s := p.endpoint, p.spec
	return sessionKey{e.Pod.Namespace, e.Pod.Name, e.Container, s.AdminUser, p.options.Values.AdminPassword, s.DBName}
}

// with calls do with the server of a plan, when its node has a free slot.
func (s *servers) with(p *Plan, do func(Server)) {
	s.pool.With(
		p.endpoint.Pod.Spec.NodeName,
		sessionKeyOf(p),
		func() Server { return s.open(p.endpoint, p.spec, p.options.Values.AdminPassword) },
		do,
	)
}
