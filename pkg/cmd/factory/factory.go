// Package factory gives what the commands run the clients of the cluster and the terminal of the user.
package factory

import (
	"context"
	"os"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/client"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/defaults"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/printers"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/rotate"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/unbind"
)

// NewResolver returns what completes specs. It asks only at a terminal.
func NewResolver(c *client.Clients, streams genericiooptions.IOStreams) *defaults.Resolver {
	r := &defaults.Resolver{
		Kube: c.Kube, Servers: server.NewFinder(c.Kube), Getenv: os.Getenv,
		Databases: func(e *server.Endpoint, spec v1alpha1.BindingSpec, adminPassword string) defaults.Databases {
			return c.Server(e, client.Administrator{User: spec.AdminUser, Password: adminPassword}, "")
		},
		Notify: func(text string) { printers.Notify(streams, text) },
	}
	if printers.CanAsk(streams) {
		r.Choose = func(ctx context.Context, question string, options []string) (int, error) {
			return printers.Choose(ctx, streams, question, options)
		}
	}
	return r
}

// NewPipeline returns the pipeline of a bind, which runs one exec at a time in the Pods of a node.
func NewPipeline(c *client.Clients, streams genericiooptions.IOStreams, progress binding.Progress) *binding.Pipeline {
	return &binding.Pipeline{
		Workloads: c.Workloads, Endpoints: server.NewFinder(c.Kube), Defaults: NewResolver(c, streams),
		Kube: c.Kube, Metadata: c.Metadata, Progress: progress, ServerConcurrency: 1, AwaitPrimary: awaitPrimary,
		Server: func(e *server.Endpoint, spec v1alpha1.BindingSpec, adminPassword string) binding.Server {
			return c.Server(e, client.Administrator{User: spec.AdminUser, Password: adminPassword}, spec.DBName)
		},
	}
}

// awaitPrimary is the pause before a server without a primary is asked again. A failover takes a few seconds.
const awaitPrimary = 3 * time.Second

// NewRotator returns a Rotator that works as the administrator of each server.
func NewRotator(c *client.Clients, to report.Reporter, admin func(*server.Endpoint) client.Administrator) *rotate.Rotator {
	return &rotate.Rotator{
		Workloads: c.Workloads, Endpoints: server.NewFinder(c.Kube), Kube: c.Kube, Report: to, AwaitPrimary: awaitPrimary,
		Roles: func(e *server.Endpoint, database string) rotate.Roles { return c.Server(e, admin(e), database) },
	}
}

// NewUnbinder returns an Unbinder that works as the administrator of each server.
func NewUnbinder(
	c *client.Clients, to report.Reporter, admin func(*server.Endpoint, *inventory.Binding) client.Administrator,
) *unbind.Unbinder {
	return &unbind.Unbinder{
		Workloads: c.Workloads, Endpoints: server.NewFinder(c.Kube), Kube: c.Kube, Report: to,
		Snapshot: func() unbind.Lists { return c.Workloads.Snapshot() },
		Roles: func(e *server.Endpoint, b *inventory.Binding) unbind.Roles {
			return c.Server(e, admin(e, b), b.Marks.DBName)
		},
	}
}
