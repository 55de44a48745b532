package unbind

import (
	"time"

	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/lookup"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
)

// Subject is the workload to unbind. It can already be deleted.
type Subject = lookup.Subject

// Options selects the binding to remove, and how to remove it.
type Options struct {
	Secret   string // empty: the workload's only binding
	Database string // empty: from the Secret
	Postgres target.Ref
	Named    bool // the user set Postgres; otherwise the Secret's metadata overrides it
	Choice   target.Choice

	Grace   time.Duration // time for open sessions to end
	Timeout time.Duration // for the Pods that still use the Secret

	Force    bool // proceed even if other workloads use the Secret
	Restart  bool // delete the Pods of a workload that does not replace them itself
	Recreate bool // replace a bare Pod

	Abandon bool // keep the role, because its server no longer exists
	Keep    bool // keep the role, but disable its login
	Purge   bool // also drop the access role if nothing else uses it

	DryRun cmdutil.DryRunStrategy
}
