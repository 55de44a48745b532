package apply

import (
	"errors"
	"sync"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/client"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/printers"
)

// connection keeps the error of an API server that never answered for the end: it is one error, not one for each binding.
type connection struct {
	*printers.Progress

	mu  sync.Mutex
	err error
}

// Finished implements binding.Progress.
func (c *connection) Finished(i *binding.Item) {
	if unreached := (*client.UnreachedError)(nil); !errors.As(i.Err, &unreached) {
		c.Progress.Finished(i)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = i.Err
}

// error returns the error, if the API server never answered.
func (c *connection) error() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}
