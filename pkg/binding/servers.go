package binding

import (
	"sync"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
)

// How many bindings share an exec: so many that its own cost hardly counts, and so few that several of them keep a server busy.
const (
	smallestBatch = 25
	largestBatch  = 250
)

// servers are those of one run.
type servers struct {
	open  func(*target.Database, Options) Server
	limit int // of the execs at once in the Pods of a node, whose processors they share
	batch int // how many bindings share an exec at most

	mu    sync.Mutex
	idle  map[line][]Server // each has found out by itself how to log in
	nodes map[string]chan struct{}
}

// line is what a session is opened with.
type line struct{ namespace, pod, container, admin, password, database string }

func newServers(p *Pipeline, items int) *servers {
	limit := max(p.ServerConcurrency, 1)
	return &servers{
		open: p.Server, limit: limit, batch: min(max((items+limit-1)/limit, smallestBatch), largestBatch),
		idle: map[line][]Server{}, nodes: map[string]chan struct{}{},
	}
}

// lineOf is the line to the server of a plan.
func lineOf(p *Plan) line {
	d, o := p.database, p.options
	return line{d.Pod.Namespace, d.Pod.Name, d.Container, o.AdminUser, o.AdminPassword, o.Database}
}

// with lends the server of a plan while its node has a slot for it.
func (s *servers) with(p *Plan, do func(Server)) {
	key, node := lineOf(p), p.database.Pod.Spec.NodeName
	s.mu.Lock()
	if s.nodes[node] == nil {
		s.nodes[node] = make(chan struct{}, s.limit)
	}
	slots := s.nodes[node]
	s.mu.Unlock()
	slots <- struct{}{}
	defer func() { <-slots }()
	s.mu.Lock()
	var server Server
	if idle := s.idle[key]; len(idle) > 0 {
		server, s.idle[key] = idle[len(idle)-1], idle[:len(idle)-1]
	}
	s.mu.Unlock()
	if server == nil {
		server = s.open(p.database, p.options)
	}
	do(server)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle[key] = append(s.idle[key], server)
}
