package apply

import (
	"context"
	"sync"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/bind"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
)

// databases finds each database once.
type databases struct {
	next bind.Databases

	mu    sync.Mutex
	found map[wanted]func() (*target.Database, error)
}

type wanted struct {
	ref    target.Ref
	choice target.Choice
}

// Find implements bind.Databases.
func (d *databases) Find(ctx context.Context, ref target.Ref, choice target.Choice) (*target.Database, error) {
	key := wanted{ref, choice}
	d.mu.Lock()
	find, known := d.found[key]
	if !known {
		find = sync.OnceValues(func() (*target.Database, error) { return d.next.Find(ctx, ref, choice) })
		d.found[key] = find
	}
	d.mu.Unlock()
	return find()
}
