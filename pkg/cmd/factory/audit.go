package factory

import (
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/audit"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/client"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// NewAuditor returns an Auditor that reads servers as the administrator.
func NewAuditor(c *client.Clients, connection *genericclioptions.ConfigFlags, admin client.Administrator) *audit.Auditor {
	return &audit.Auditor{
		Kube: c.Kube, Metadata: c.Metadata, Endpoints: server.NewFinder(c.Kube),
		Resolve: audit.NewResolver(c.Metadata, connection.ToRESTMapper),
		Server:  func(e *server.Endpoint) audit.ServerReader { return c.Server(e, admin, "") },
	}
}
