package apply

import (
	"context"
	"sync"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/bind"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
)

// databases finds each database once for all bindings.
type databases struct {
	next bind.Databases

	mu    sync.Mutex
	found map[wanted]func() ([]*target.Database, error)
}

type wanted struct {
	ref    target.Ref
	choice target.Choice
}

// find returns the servers that ref may mean, as they were when it was first asked for.
func (d *databases) find(ctx context.Context, ref target.Ref, choice target.Choice) ([]*target.Database, error) {
	key := wanted{ref, choice}
	d.mu.Lock()
	find, known := d.found[key]
	if !known {
		find = sync.OnceValues(func() ([]*target.Database, error) { return d.next.Candidates(ctx, ref, choice) })
		d.found[key] = find
	}
	d.mu.Unlock()
	return find()
}

// search is one binding's. Whoever asks again suspects that something has changed.
type search struct {
	*databases
	again bool
}

// Candidates implements bind.Databases.
func (s *search) Candidates(ctx context.Context, ref target.Ref, choice target.Choice) ([]*target.Database, error) {
	if s.again {
		return s.next.Candidates(ctx, ref, choice)
	}
	s.again = true
	return s.find(ctx, ref, choice)
}
