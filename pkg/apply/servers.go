package apply

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/bind"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
)

// Server makes roles, many at once; *postgres.Server does. One goroutine uses it at a time.
type Server interface {
	CreateAll(ctx context.Context, requests []postgres.Request) []postgres.Creation
	BindAll(ctx context.Context, requests []postgres.Request) []postgres.Outcome
	Undo(ctx context.Context, b postgres.Binding) ([]string, error)
	LastRun(ctx context.Context, role string) (string, error)
}

// servers are those of one apply. Bindings that run at once share their execs and sessions.
type servers struct {
	open   func(*target.Database, bind.Options) Server
	limit  int           // of the execs at once, in one Pod and on one node
	batch  int           // how many bindings share an exec at most
	linger time.Duration // how long an exec waits for more of them

	mu    sync.Mutex
	lines map[line]*shared
	pods  map[pod]*place
	nodes map[string]*turnstile
	crowd crowd // of all bindings that still need a server
}

// place is a Pod with its server.
type place struct {
	slots chan struct{} // of the execs that may run in the Pod at once
	node  *turnstile    // of all that run in the Pods of its node, whose processors they share
	crowd crowd         // of the bindings that still need the server
}

// linger is how long an exec waits for other bindings that can share it.
const linger = 50 * time.Millisecond

// How many bindings share an exec: so many that its own cost hardly counts, and so few that several of them keep a server busy.
const (
	smallestBatch = 25
	largestBatch  = 250
)

func newServers(a *Applier, bindings int) *servers {
	s := &servers{open: a.Server, limit: a.ServerConcurrency, lines: map[line]*shared{}, pods: map[pod]*place{}, nodes: map[string]*turnstile{}}
	s.batch = min(max((bindings+a.ServerConcurrency-1)/a.ServerConcurrency, smallestBatch), largestBatch)
	if bindings > 1 {
		s.linger = linger
	}
	return s
}

type pod struct{ namespace, name string }

// line is what a session is opened with.
type line struct {
	pod
	container, admin, password, database string
}

// shared is what the bindings of one line share.
type shared struct {
	*place
	open   func() Server
	mu     sync.Mutex
	idle   []Server // each has found out by itself how to log in
	create gather[postgres.Request, postgres.Creation]
	bind   gather[postgres.Request, postgres.Outcome]
}

// at is the server of a database, for bindings that ctx is about.
func (s *servers) at(ctx context.Context, d *target.Database, o bind.Options) *shared {
	key := line{pod{d.Pod.Namespace, d.Pod.Name}, d.Container, o.AdminUser, o.AdminPassword, o.Database}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.lines[key]; ok {
		return known
	}
	l := &shared{open: func() Server { return s.open(d, o) }, place: s.place(d.Pod)}
	l.create = gather[postgres.Request, postgres.Creation]{most: s.batch, limit: s.limit, linger: s.linger, answer: func(requests []postgres.Request) (creations []postgres.Creation) {
		l.with(func(server Server) { creations = server.CreateAll(ctx, requests) })
		return creations
	}}
	l.bind = gather[postgres.Request, postgres.Outcome]{most: s.batch, limit: s.limit, linger: s.linger, answer: func(requests []postgres.Request) (outcomes []postgres.Outcome) {
		l.with(func(server Server) { outcomes = server.BindAll(ctx, requests) })
		return outcomes
	}}
	s.lines[key] = l
	return l
}

// place is where a server is; the caller holds the lock.
func (s *servers) place(at *corev1.Pod) *place {
	key, node := pod{at.Namespace, at.Name}, at.Spec.NodeName
	if s.nodes[node] == nil {
		s.nodes[node] = newTurnstile(s.limit)
	}
	if s.pods[key] == nil {
		s.pods[key] = &place{slots: make(chan struct{}, s.limit), node: s.nodes[node]}
	}
	return s.pods[key]
}

// with lends a server while the Pod and its node have a slot for it.
func (l *shared) with(do func(Server)) {
	l.slots <- struct{}{}
	defer func() { <-l.slots }()
	defer l.node.enter()()
	l.mu.Lock()
	var server Server
	if last := len(l.idle) - 1; last >= 0 {
		server, l.idle = l.idle[last], l.idle[:last]
	}
	l.mu.Unlock()
	if server == nil {
		server = l.open()
	}
	do(server)
	l.mu.Lock()
	l.idle = append(l.idle, server)
	l.mu.Unlock()
}

// roles is one binding's part of a shared server.
type roles struct {
	*shared
	servers *servers
	inside  bool // it is counted among those that need a server
	changed bool // the server did something for the binding
}

// use goes on with a server, which is the first or another one.
func (r *roles) use(s *shared) {
	r.leave()
	r.shared, r.inside = s, true
	r.servers.crowd.enter()
	r.crowd.enter()
}

// leave says that the binding needs the server no more, unless something is to be undone.
func (r *roles) leave() {
	if r.inside {
		r.inside = false
		r.crowd.leave()
		r.servers.crowd.leave()
	}
}

// turn waits until no other binding needs the server any more, nor any other server, as long as they get on. Only then a binding's workload
// is changed: the cluster's controllers answer a change with several requests each, which would slow down all that is still to be done.
// Where a rollout is waited for, it is what takes longest, and begins at once.
func (r *roles) turn(ctx context.Context, waits bool) error {
	r.leave()
	if !waits {
		r.crowd.wait(ctx)
		r.servers.crowd.waitWhileMoving(ctx)
	}
	return context.Cause(ctx)
}

// CreateAll implements bind.Roles.
func (r *roles) CreateAll(_ context.Context, requests []postgres.Request) []postgres.Creation {
	creations := make([]postgres.Creation, len(requests))
	for i, request := range requests {
		creations[i] = r.create.ask(request)
		_, _ = r.note(creations[i].Outcome) // it is returned
	}
	return creations
}

// Bind implements bind.Roles.
func (r *roles) Bind(_ context.Context, b postgres.Binding, l postgres.Login) (*postgres.Result, error) {
	return r.note(r.bind.ask(postgres.Request{Binding: b, Login: l}))
}

// note remembers whether something was done.
func (r *roles) note(o postgres.Outcome) (*postgres.Result, error) {
	r.changed = r.changed || o.Result != nil && len(o.Result.Did) > 0
	return o.Result, o.Err
}

// Undo implements bind.Roles.
func (r *roles) Undo(ctx context.Context, b postgres.Binding) (did []string, err error) {
	r.with(func(server Server) { did, err = server.Undo(ctx, b) })
	return did, err
}

// LastRun implements bind.Roles.
func (r *roles) LastRun(ctx context.Context, role string) (run string, err error) {
	r.with(func(server Server) { run, err = server.LastRun(ctx, role) })
	return run, err
}
