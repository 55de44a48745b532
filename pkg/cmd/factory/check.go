package factory

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/check"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/client"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/flags"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/defaults"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/printers"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// Check checks bindings, for the commands check and prune.
type Check struct {
	Connection *genericclioptions.ConfigFlags
	Scope      *flags.Scope
	Server     *flags.Server
	Namespace  string   // empty: all namespaces
	Workloads  []string // as they were typed; empty: all of the scope, and orphans
	Prove      bool     // also try to log in without a password
	Manager    string   // the field manager of a prune
}

// Checked is the result of a check, with the clients that it used.
type Checked struct {
	Findings       check.Findings
	Clients        *client.Clients
	Administrators *client.Administrators
}

// Run checks the bindings. It changes nothing.
func (c *Check) Run(ctx context.Context, r *printers.Report) (*Checked, error) {
	found, err := c.Scope.Read(ctx, c.Connection, r)
	if err != nil {
		return nil, err
	}
	done := &Checked{}
	if done.Clients, err = client.New(c.Connection, c.Manager); err != nil {
		return nil, err
	}
	ref, err := c.server(ctx, done.Clients, r)
	if err != nil {
		return nil, err
	}
	if done.Administrators, err = c.Server.Administrators(ctx, done.Clients, ref, r.Streams.In); err != nil {
		return nil, err
	}
	scope := check.Scope{Bindings: found.Bindings, Namespace: c.Namespace}
	if len(c.Workloads) > 0 {
		scope.Bindings, err = c.named(ctx, done.Clients, found)
	} else {
		scope.Bindings, err = c.Scope.Shard.Pick(found.Bindings)
	}
	if err != nil {
		return nil, err
	}
	part, err := c.Scope.Shard.Parse()
	if err != nil {
		return nil, err
	}
	if len(c.Workloads) == 0 && c.Scope.Selector == "" && part.First() { // one shard looks for orphans
		scope.Orphans, scope.Server, scope.Required = found, ref, c.Server.Named
	}
	done.Findings, err = c.checker(done).Check(ctx, scope)
	return done, err
}

func (c *Check) checker(with *Checked) *check.Checker {
	return &check.Checker{
		Kube: with.Clients.Kube, Workloads: with.Clients.Workloads, Databases: server.NewFinder(with.Clients.Kube),
		Container: c.Server.Spec.PostgresContainer, Prove: c.Prove,
		Server: func(d *server.Database) check.Server {
			return with.Clients.Server(d, with.Administrators.Of(d), v1alpha1.DefaultDBName)
		},
	}
}

// server returns the server to search for orphans in addition to those of the bindings, or none if its namespace is unknown, or if it is not
// clear which one is meant.
func (c *Check) server(ctx context.Context, clients *client.Clients, r *printers.Report) (server.Ref, error) {
	if c.Namespace == "" && c.Server.Spec.PostgresNamespace == "" {
		return server.Ref{}, nil
	}
	if c.Server.Spec.Postgres != "" {
		return c.Server.Ref(c.Namespace)
	}
	resolver := NewResolver(clients, r.Streams)
	resolver.Choose, resolver.Notify = nil, func(text string) { r.Step("%s", text) }
	spec, err := resolver.Server(ctx, defaults.Request{Namespace: c.Namespace, Spec: c.Server.Spec})
	if errors.Is(err, defaults.ErrUnclear) {
		return server.Ref{}, nil
	}
	if err != nil {
		return server.Ref{}, err
	}
	return server.RefOf(spec.WithDefaults(c.Namespace))
}

// named returns the bindings of the named workloads. A workload without bindings is an error.
func (c *Check) named(ctx context.Context, clients *client.Clients, found *inventory.Inventory) ([]inventory.Binding, error) {
	workloads, err := clients.Workloads.Get(ctx, c.Namespace, c.Workloads)
	if err != nil {
		return nil, err
	}
	var picked []inventory.Binding
	for _, w := range workloads {
		before := len(picked)
		for _, b := range found.Bindings {
			if b.Marks.Workload == w.String() {
				picked = append(picked, b)
			}
		}
		if len(picked) == before {
			return nil, fmt.Errorf("%s in namespace %s has no binding: create one with: kubectl pgbind %s -n %s",
				w, w.Namespace(), w, w.Namespace())
		}
	}
	return picked, nil
}
