package binding

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/manifest"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/rollback"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Outcome is the result of binding an item.
type Outcome string

// The outcomes. Configured means that the binding existed and was changed.
const (
	Created    Outcome = "created"
	Configured Outcome = "configured"
	Unchanged  Outcome = "unchanged"
	Failed     Outcome = "failed"
)

// Item is one binding that the pipeline creates or completes, and its result.
type Item struct {
	Document *manifest.Document // of the file that contains the spec; nil: flags filled it, and Workload is read already
	Workload *workload.Workload // as it was read last
	Spec     v1alpha1.BindingSpec
	Options  Options
	Report   report.Reporter

	// FormerLogin is the login role that the workload uses today, if what it owns goes to the access role. Empty: nothing is handed over.
	FormerLogin string
	OwnedBefore []string // what the access role owns already, and keeps if that is rolled back

	// The results.
	Err     error
	Outcome Outcome
	Binding *v1alpha1.Binding // nil if there is none

	plan *Plan

	valuesRead   bool // from the sources that a file names
	containers   []string
	names        *map[string]string // the templates of the names that the workload keeps; nil: still unknown
	candidates   []*server.Endpoint // that can be the primary
	stale        bool               // the candidates must be found again
	standby      error              // why
	assigned     string             // a free name for the Secret; empty: still unknown
	staleSecrets []string           // see Plan
	run          string             // the id of this run in the metadata
	password     string
	decided      roleDecision

	result      *postgres.Result // of the verified login
	verifiedFor postgres.Request
	did         []string       // the statements of all rounds
	created     string         // the login role that this run created and has not rolled back
	secret      *corev1.Secret // as it is now; nil: it does not exist yet
	isNew       bool           // this run created the Secret
	newSecret   string         // its name
	extended    bool           // this run changed the Secret
	renamed     bool           // and the names of its keys
	changed     bool           // this run changed the workload
	toRollBack  rollback.Stack
	conflict    error // another writer that the item met in this round
	observed    bool  // at least once
	accepted    bool  // the API server has accepted the change of the workload
	finished    bool
}

// roleDecision is what an earlier round decided to do with the login role of that name, because it found out more than observing shows.
type roleDecision struct {
	role   string
	action roleAction
}

// roleAction is what to do with a login role.
type roleAction int

const (
	keepRole   roleAction = iota // complete its privileges, and verify the Secret's password
	takeRole                     // the same, and set the password
	createRole                   // the server does not have it, or it cannot log in
	adoptRole                    // as keepRole, and write the binding's comment
)

// Fail ends an item.
func (i *Item) Fail(err error) {
	i.Err, i.Outcome, i.conflict = err, Failed, nil
}

// Open reports whether the item continues with the next phase.
func (i *Item) Open() bool { return i.Err == nil && i.conflict == nil && !i.finished }

// retry lets an item that met another writer continue with the next round.
func (i *Item) retry(err error) { i.conflict = err }

// rollBack deletes what this run created for the item, unless Pods may use it.
func (i *Item) rollBack(ctx context.Context, limit time.Duration) {
	if i.accepted {
		return
	}
	i.toRollBack.Report, i.toRollBack.Limit = i.Report, limit
	i.Err = i.toRollBack.Run(ctx, i.Err)
	i.toRollBack, i.created, i.result = rollback.Stack{}, "", nil
}

// namespace returns the namespace of the workload.
func (i *Item) namespace() string {
	if i.Workload != nil {
		return i.Workload.Namespace()
	}
	return i.Document.Namespace
}

// Name returns the workload as kubectl prints it, or as the file names it if it was not found.
func (i *Item) Name() string {
	if i.Workload != nil {
		return i.Workload.String()
	}
	return workload.FullName(i.Spec.Workload)
}

// outcome returns the outcome of an item that has not failed.
func (i *Item) outcome() Outcome {
	switch {
	case i.isNew:
		return Created
	case i.extended || i.changed || len(i.did) > 0:
		return Configured
	}
	return Unchanged
}
