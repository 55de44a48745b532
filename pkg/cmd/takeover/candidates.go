package takeover

import (
	"cmp"
	"context"
	"strings"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/audit"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/client"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/factory"
)

// audit returns the workloads that an audit of the namespace finds, and the spec of each: with its server and its database, as far as no
// flag names them. A workload that uses several servers is moved on one server at a time.
func (o *Options) audit(ctx context.Context, c *client.Clients, with factory.Take) ([]string, map[string]v1alpha1.BindingSpec, error) {
	options := audit.Options{Namespace: o.namespace, Container: o.server.Spec.PostgresContainer}
	if o.server.Named {
		options.Ref = &o.unbind.Postgres
	}
	report, err := factory.NewAuditor(c, o.connection, with.Administrator).Audit(ctx, options)
	if report == nil {
		return nil, nil, err
	}
	if err != nil {
		with.Report.Warn("%v", err)
	}
	var workloads []string
	specs := map[string]v1alpha1.BindingSpec{}
	for _, found := range report.Candidates(o.namespace) {
		if _, known := specs[found.Workload]; known {
			with.Report.Warn("%s also uses %s: run the same command again", found.Workload, found.Server)
			continue
		}
		spec := o.server.Spec
		if spec.Postgres == "" {
			spec.PostgresNamespace, spec.Postgres, _ = strings.Cut(found.Server, "/")
		}
		spec.DBName = cmp.Or(spec.DBName, found.Database)
		workloads, specs[found.Workload] = append(workloads, found.Workload), spec
	}
	if len(workloads) == 0 {
		with.Report.Step("no workload in namespace %s logs in as a superuser, or as a role that another workload uses", o.namespace)
	}
	return workloads, specs, nil
}
