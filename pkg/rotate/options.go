package rotate

import (
	"time"

	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// Options are the options of a rotation.
type Options struct {
	Postgres server.Ref
	Named    bool // the user set Postgres; otherwise the Secret's metadata overrides it
	Choice   server.Choice

	Grace   time.Duration // time for idle sessions of the old role to end
	Drain   time.Duration // time for all sessions of the old role to end
	Timeout time.Duration // for the rollout, and for its roll-back
	Settle  time.Duration // time for applications to read the Secret's files again
	Restart bool          // delete the Pods of a workload that does not replace them itself
	Force   bool          // proceed even if the old role has privileges of its own, which are lost

	// DropAfter is the time from the Secret's change until the old role is dropped, if it is unknown whether something still uses the role.
	// Zero: the next rotation drops it.
	DropAfter time.Duration
	InPlace   bool // change only the password
	DryRun    cmdutil.DryRunStrategy
	// FieldManager is the field manager of every write; empty: that of the bind.
	FieldManager string
}
