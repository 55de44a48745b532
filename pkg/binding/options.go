package binding

import (
	"context"
	"time"

	cmdutil "k8s.io/kubectl/pkg/cmd/util"
)

// Options control how a run works. The spec describes the binding.
type Options struct {
	DryRun       cmdutil.DryRunStrategy
	Script       bool   // a dry run also prints the whole script of psql
	FieldManager string // instead of that of the spec

	// Exact means that the spec is complete, as in a file: what an earlier bind requested, and the spec does not, is removed.
	Exact bool
	Adopt bool // take over equal references of another field manager, and a login that was created by hand, with its Secret
	// Force proceeds even if another field manager owns envFrom or the variables, if others can create objects in an
	// isolated binding's schema, or if something else uses the login to adopt.
	Force bool

	Wait     bool          // for the Pods
	Timeout  time.Duration // of that
	Restart  bool          // replace the Pods of a workload that does not replace them itself
	Recreate bool          // replace a bare Pod with a copy

	Values Values

	// Confirm asks the user a question that yes or no answers; nil: there is no terminal.
	Confirm func(ctx context.Context, question string) (bool, error)
}

// Values are what a spec only refers to.
type Values struct {
	AdminPassword string // empty: none is needed, or the database's container has it
	Password      string // empty: a random one
	CA            string // CA certificates of the server, in PEM; optional
}
