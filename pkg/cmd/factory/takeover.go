package factory

import (
	"context"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/client"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/takeover"
)

// Take is what a takeover needs in addition to the clients.
type Take struct {
	Report        report.Reporter
	Administrator client.Administrator
	Confirm       func(ctx context.Context, question string) error
	Progress      binding.Progress // nil: for an undo
}

// NewTaker returns a Taker that works as the administrator.
func NewTaker(c *client.Clients, streams genericiooptions.IOStreams, t Take) *takeover.Taker {
	return &takeover.Taker{
		Workloads: c.Workloads,
		Endpoints: server.NewFinder(c.Kube),
		Defaults:  NewResolver(c, streams),
		Kube:      c.Kube,
		Report:    t.Report,
		Confirm:   t.Confirm,
		Binder:    NewPipeline(c, streams, t.Progress),
		Unbinder:  NewUnbinder(c, t.Report, func(*server.Endpoint, *inventory.Binding) client.Administrator { return t.Administrator }),
		Roles: func(e *server.Endpoint, spec v1alpha1.BindingSpec) takeover.Roles {
			return c.Server(e, t.Administrator, spec.DBName)
		},
	}
}
