package unbind

import (
	"time"

	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/lookup"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
)

// Subject is the workload whose binding is taken back; it may be gone already.
type Subject = lookup.Subject

// Options says which binding is taken back, and how.
type Options struct {
	Secret   string // empty: the workload's only binding
	Database string // empty: as the Secret says
	Postgres target.Ref
	Named    bool // Postgres was named by the user; else the Secret's marks come first
	Choice   target.Choice

	Grace   time.Duration // that open sessions get
	Timeout time.Duration // for the Pods that still have the Secret

	Force    bool // also where other workloads use the Secret
	Restart  bool // replace the Pods of a workload that does not do it by itself
	Recreate bool // replace a bare Pod by an equal one

	Abandon bool // leave the role: its server is gone
	Keep    bool // leave the role, without its login
	Purge   bool // also remove the access role, if nothing else uses it

	DryRun cmdutil.DryRunStrategy
}
