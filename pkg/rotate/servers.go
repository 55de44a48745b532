package rotate

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/parallel"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// serverConcurrency limits how many commands run at once in the database Pods.
const serverConcurrency = 4

// servers are the servers of one run.
type servers struct {
	pool  *parallel.Pool[sessionKey, Roles]
	open  func(e *server.Endpoint, database string) Roles
	batch int // the maximum number of bindings in an exec
}

// sessionKey identifies how a session is opened: sessions with the same key share a Roles.
type sessionKey struct {
	pod      types.NamespacedName
	database string
}

func newServers(open func(*server.Endpoint, string) Roles, items int) *servers {
	return &servers{
		pool:  parallel.NewPool[sessionKey, Roles](serverConcurrency),
		open:  open,
		batch: parallel.BatchSize(items, serverConcurrency),
	}
}

// podOf returns the name of the Pod of an item's server.
func podOf(i *item) types.NamespacedName {
	return types.NamespacedName{Namespace: i.endpoint.Pod.Namespace, Name: i.endpoint.Pod.Name}
}

// sessionKeyOf returns the session key of an item.
func sessionKeyOf(i *item) sessionKey { return sessionKey{podOf(i), i.Marks.DBName} }

// each calls do for batches of items that share a server and a database. All Pods share the limit.
func (s *servers) each(items []*item, do func(roles Roles, batch []*item)) {
	var batches [][]*item
	for _, group := range parallel.GroupBy(items, sessionKeyOf) {
		batches = slices.AppendSeq(batches, slices.Chunk(group, s.batch))
	}
	parallel.Each(batches, -1, func(batch []*item) {
		s.with(batch[0], func(roles Roles) { do(roles, batch) })
	})
}

// with calls do with the server of an item.
func (s *servers) with(i *item, do func(Roles)) {
	s.pool.With("", sessionKeyOf(i), func() Roles { return s.open(i.endpoint, i.Marks.DBName) }, do)
}
