package apply

import (
	"context"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/bind"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
)

// databases finds each database once for all bindings.
type databases struct {
	next  bind.Databases
	found memo[wanted, []*target.Database]
}

type wanted struct {
	ref    target.Ref
	choice target.Choice
}

// find returns the servers that ref may mean, as they were when it was first asked for.
func (d *databases) find(ctx context.Context, ref target.Ref, choice target.Choice) ([]*target.Database, error) {
	return d.found.get(wanted{ref, choice}, func() ([]*target.Database, error) { return d.next.Candidates(ctx, ref, choice) })
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
