package apply

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/client"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd/factory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/printers"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/unbind"
)

// pruneUnnamed shows the bindings that the files do not contain, and removes them. made are the ids of those that were applied.
func (o *Options) pruneUnnamed(ctx context.Context, clients *client.Clients, items []*binding.Item, made map[string]bool) error {
	selector, err := labels.Parse(o.selector)
	if err != nil {
		return fmt.Errorf("read --selector: %w", err)
	}
	found, err := binding.ReadLive(ctx, clients.Inventory(), items, selector)
	if err != nil {
		return err
	}
	stale, err := o.shard.Pick(binding.Unnamed(items, made, found))
	if err != nil || len(stale) == 0 {
		return err
	}
	proposal := printers.Proposal{
		Verb: "prune", Question: fmt.Sprintf("Remove these %d?", len(stale)), Table: printers.Bindings(stale).Table(time.Now()),
		WithNamespace: true, DryRun: o.binding.DryRun != cmdutil.DryRunNone, Yes: o.yes,
	}
	if agreed, err := proposal.Confirm(ctx, o.streams); !agreed {
		return err
	}
	return o.unbindAll(ctx, clients, stale)
}

// unbindAll removes the bindings in one run.
func (o *Options) unbindAll(ctx context.Context, clients *client.Clients, stale []inventory.Entry) error {
	report := printers.NewReport(o.streams, "")
	report.Objects = o.output.OutputFlagSpecified()
	unbinder := factory.NewUnbinder(clients, report, func(_ *server.Endpoint, b *inventory.Binding) client.Administrator {
		return client.Administrator{User: b.Marks.WithDefaults(b.Namespace).AdminUser}
	})
	var items []*unbind.Item
	for i := range stale {
		b := &stale[i]
		item := unbind.NewItem(inventory.Subject{Namespace: b.Namespace, Name: b.Marks.Workload}, inventory.Filter{Secret: b.SecretName})
		item.Choice = server.Choice{Container: b.Marks.PostgresContainer}
		items = append(items, item)
	}
	unbinder.ReadWorkloads(ctx, items)
	return unbinder.Unbind(ctx, items, unbind.Options{
		Grace: o.grace, Timeout: o.binding.Timeout, Restart: o.binding.Restart, Recreate: o.binding.Recreate,
		FieldManager: o.binding.FieldManager,
	})
}
