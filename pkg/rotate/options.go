package rotate

import (
	"time"

	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
)

// Options says how bindings are rotated.
type Options struct {
	Postgres target.Ref
	Named    bool // Postgres was named by the user; else the Secret's marks come first
	Choice   target.Choice

	Grace   time.Duration // that idle sessions of the former role get
	Drain   time.Duration // that all sessions of the former role get
	Timeout time.Duration // for the Pods, and for putting them back
	Settle  time.Duration // that Pods get to read the Secret's files again
	Restart bool          // replace the Pods of a workload that does not do it by itself
	Force   bool          // also where the former role was granted something itself, which is lost

	// DropAfter is how long after the Secret's change the former role is dropped where nobody can see whether it is still used; zero: by the next rotation.
	DropAfter time.Duration
	InPlace   bool // change only the password
	DryRun    cmdutil.DryRunStrategy
	// FieldManager is recorded for every write.
	FieldManager string
}
