package factory

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/check"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/client"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/flags"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/defaults"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/droprole"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/fit"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/printers"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/prune"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/unbind"
)

// Check checks bindings, for the commands check and prune.
type Check struct {
	Connection *genericclioptions.ConfigFlags
	Scope      *flags.Scope
	Server     *flags.Server
	Session    *flags.Session
	Namespace  string   // empty: all namespaces
	Workloads  []string // as they were typed; empty: all of the scope, and orphans
	Prove      bool     // also try to log in without a password
}

// Checked is the result of a check, with the clients that it used.
type Checked struct {
	Findings       check.Findings
	Clients        *client.Clients
	Administrators *client.Administrators

	check      *Check
	connection *genericclioptions.ConfigFlags
	server     server.Ref // to search for orphans
	repeated   bool
}

// Run checks the bindings. It changes nothing.
func (c *Check) Run(ctx context.Context, r *printers.Report) (*Checked, error) {
	done, found, err := c.read(ctx, r)
	if err != nil {
		return nil, err
	}
	return done, done.judge(ctx, found)
}

// Fit finds the narrowest access level that is enough for each binding. It creates temporary roles, and drops them.
func (c *Check) Fit(ctx context.Context, r *printers.Report) ([]fit.Fit, error) {
	done, found, err := c.read(ctx, r)
	if err != nil {
		return nil, err
	}
	bindings, err := done.bindings(ctx, found)
	if err != nil {
		return nil, err
	}
	fitter := &fit.Fitter{Endpoints: server.NewFinder(done.Clients.Kube), Report: r, Choice: c.Server.Choice()}
	fitter.Server = func(e *server.Endpoint, database string) fit.Server {
		return done.Clients.Server(e, done.Administrators.Of(e), database)
	}
	return fitter.Fit(ctx, bindings)
}

// read lists the bindings of the scope, and connects.
func (c *Check) read(ctx context.Context, r *printers.Report) (*Checked, *inventory.Inventory, error) {
	done := &Checked{check: c, connection: client.ForMany(c.Connection, flags.RequestConcurrency)}
	found, err := c.Scope.Read(ctx, done.connection, r)
	if err != nil {
		return nil, nil, err
	}
	if done.Clients, err = client.New(done.connection); err != nil {
		return nil, nil, err
	}
	c.Session.Apply(done.Clients)
	if done.server, err = c.server(ctx, done.Clients, r); err != nil {
		return nil, nil, err
	}
	done.Administrators, err = c.Server.Administrators(ctx, done.Clients, done.server, r.Streams.In)
	return done, found, err
}

// Repeat checks what is there now in the same scope. A workload that has no binding anymore has no findings.
func (d *Checked) Repeat(ctx context.Context) error {
	d.repeated = true
	found, err := d.check.Scope.Read(ctx, d.connection, &printers.Notes{}) // the warnings are printed already
	if err != nil {
		return err
	}
	return d.judge(ctx, found)
}

// judge checks the bindings of the scope.
func (d *Checked) judge(ctx context.Context, found *inventory.Inventory) (err error) {
	c := d.check
	scope := check.Scope{Namespace: c.Namespace}
	if scope.Bindings, err = d.bindings(ctx, found); err != nil {
		return err
	}
	part, err := c.Scope.Shard.Parse()
	if err != nil {
		return err
	}
	if len(c.Workloads) == 0 && c.Scope.Selector == "" && part.First() { // one shard looks for orphans
		scope.Orphans, scope.Server, scope.Required = found, d.server, c.Server.Named
	}
	d.Findings, err = c.checker(d).Check(ctx, scope)
	return err
}

// Pruner returns what removes findings, as the administrators of the check.
func (d *Checked) Pruner(r *printers.Report, o unbind.Options, choice server.Choice) *prune.Pruner {
	admin := func(on *server.Endpoint, _ *inventory.Binding) client.Administrator { return d.Administrators.Of(on) }
	return &prune.Pruner{
		Unbinder: NewUnbinder(d.Clients, r, admin), Endpoints: server.NewFinder(d.Clients.Kube), Report: r, Options: o, Choice: choice,
		Roles: func(on *server.Endpoint) droprole.Roles {
			return d.Clients.Server(on, d.Administrators.Of(on), "")
		},
	}
}

func (c *Check) checker(with *Checked) *check.Checker {
	return &check.Checker{
		Kube: with.Clients.Kube, Workloads: with.Clients.Workloads.Snapshot(), Endpoints: server.NewFinder(with.Clients.Kube),
		Container: c.Server.Spec.PostgresContainer, Prove: c.Prove, ServerNamespace: c.Server.Spec.PostgresNamespace,
		Server: func(e *server.Endpoint) check.Server {
			return with.Clients.Server(e, with.Administrators.Of(e), "")
		},
	}
}

// server returns the server to search for orphans in addition to those of the bindings, or none if its namespace is
// unknown, or if it is not clear which one is meant.
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

// bindings returns those of the named workloads, or those of the shard.
func (d *Checked) bindings(ctx context.Context, found *inventory.Inventory) ([]inventory.Entry, error) {
	if len(d.check.Workloads) > 0 {
		return d.named(ctx, found)
	}
	return d.check.Scope.Shard.Pick(found.Entries)
}

// named returns the named bindings, and those of the named workloads. A workload without bindings is an error.
func (d *Checked) named(ctx context.Context, found *inventory.Inventory) (picked []inventory.Entry, err error) {
	names, args := inventory.Split(d.check.Workloads)
	for _, name := range names {
		at := slices.IndexFunc(found.Entries, func(b inventory.Entry) bool { return b.SecretName == name })
		switch {
		case at >= 0:
			picked = append(picked, found.Entries[at])
		case !d.repeated:
			return nil, fmt.Errorf(
				"binding/%s does not exist in namespace %s: list the existing ones with: kubectl pgbind list -n %[2]s -o name",
				name, d.check.Namespace,
			)
		}
	}
	if len(args) == 0 {
		return picked, nil
	}
	workloads, err := d.Clients.Workloads.Get(ctx, d.check.Namespace, args)
	if err != nil {
		return nil, err
	}
	for _, w := range workloads {
		before := len(picked)
		for _, b := range found.Entries {
			if b.Marks.Workload == w.String() {
				picked = append(picked, b)
			}
		}
		if len(picked) == before && !d.repeated {
			return nil, fmt.Errorf("%s in namespace %s has no binding: create one with: kubectl pgbind %s -n %s",
				w, w.Namespace(), w, w.Namespace())
		}
	}
	return picked, nil
}
