package flags

import (
	"github.com/spf13/pflag"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/client"
)

// Session is how the administrator's sessions differ from the usual ones.
type Session struct{ SkipEventTriggers bool }

// AddTo adds the flag.
func (s *Session) AddTo(set *pflag.FlagSet) {
	set.BoolVar(&s.SkipEventTriggers, "skip-event-triggers", false,
		"Do not run the event triggers of the database, which can prevent changes; only a superuser can skip them")
}

// Apply sets the choice for all sessions of the clients.
func (s *Session) Apply(c *client.Clients) { c.SkipEventTriggers = s.SkipEventTriggers }
