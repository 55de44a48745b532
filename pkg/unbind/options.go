package unbind

import (
	"context"
	"time"

	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// Options select the server of bindings whose metadata does not name one, and how to remove bindings.
type Options struct {
	Postgres server.Ref
	Named    bool // the user set Postgres; otherwise the Secret's metadata overrides it

	Grace   time.Duration // time for open sessions to end
	Timeout time.Duration // for the Pods that still use the Secret

	Force    bool // proceed even if other workloads use the Secret
	Restart  bool // delete the Pods of a workload that does not replace them itself
	Recreate bool // replace a bare Pod

	Abandon bool // keep the role, because its server no longer exists
	Keep    bool // keep the role, but disable its login
	Purge   bool // also drop the access role if nothing else uses it

	DropDatabase bool // also drop the database, if pgbind created it and nothing else uses it, and then the access role
	// ConfirmDrop returns nil if the user confirms that the database of this name is dropped.
	ConfirmDrop func(ctx context.Context, database string) error

	DryRun cmdutil.DryRunStrategy
	// FieldManager is the field manager of every write; empty: that of the bind.
	FieldManager string
}
