package bind

import (
	"fmt"
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
)

// Options is what one binding shall be like.
type Options struct {
	Postgres   target.Ref
	Choice     target.Choice
	Database   string
	AdminUser  string
	Level      postgres.Level
	Schemas    []string
	Secret     string   // empty: the binding's present one, else the next free default name
	Containers []string // empty: the workload's default container
	Wait       bool     // for the rollout
	Timeout    time.Duration
}

// Reporter tells the user what happens.
type Reporter interface {
	// Done reports a result: an object as kubectl names it, and what became of it.
	Done(object, verb string)
	// Step reports progress.
	Step(format string, args ...any)
	// Warn reports what the user should know although the command goes on.
	Warn(format string, args ...any)
}

// RolloutError says that the binding is made but its rollout was not seen to end.
type RolloutError struct {
	Workload, Namespace string
	Err                 error
}

func (e *RolloutError) Error() string {
	return fmt.Sprintf("%s is bound, but its rollout was not seen to end: %v; go on watching with: kubectl rollout status %s -n %s",
		e.Workload, e.Err, e.Workload, e.Namespace)
}

func (e *RolloutError) Unwrap() error { return e.Err }
