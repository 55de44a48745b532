package unbind

import (
	"context"
	"fmt"

	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/phases"
)

// checkDatabases refuses items whose database must not be dropped, and asks the user to confirm the others.
func (r *run) checkDatabases(ctx context.Context, items []*Item) {
	for _, i := range items {
		err := i.server.roles.CheckDatabase(ctx, i.Marks.DBName, i.Owner())
		if err == nil && r.options.DryRun == cmdutil.DryRunNone {
			err = r.options.ConfirmDrop(ctx, i.Marks.DBName)
		}
		i.Fail(err)
	}
}

// dropDatabases drops the databases of items whose login roles are gone, and then the access roles, which hold nothing any more.
func (r *run) dropDatabases(ctx context.Context, on *target, items []*Item) {
	for _, i := range items {
		did, err := on.roles.DropDatabase(ctx, i.Marks.DBName, i.Owner())
		if err != nil {
			i.Fail(fmt.Errorf("drop the database: %w", err))
			continue
		}
		if len(did) > 0 {
			r.Report.Done("database/"+i.Marks.DBName, "dropped")
		}
	}
	if items = phases.Open(items); len(items) > 0 {
		r.purge(ctx, on, items)
	}
}
