package binding

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/manifest"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/undo"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Outcome says what became of a binding.
type Outcome string

// What may become of a binding. Configured is one that was there and is now as it was asked for.
const (
	Created    Outcome = "created"
	Configured Outcome = "configured"
	Unchanged  Outcome = "unchanged"
	Failed     Outcome = "failed"
)

// Item is one binding to be made, and what becomes of it.
type Item struct {
	Document *manifest.Document // names the workload; nil: Workload is read already
	Workload *workload.Workload // as it was read last
	Options  Options
	Report   report.Reporter

	// The results.
	Err     error
	Outcome Outcome
	Binding *v1alpha1.Binding // nil where nothing was made

	sources sources
	plan    *Plan

	containers []string
	candidates []*target.Database // that may be the primary
	stale      bool               // the candidates are to be found again
	standby    error              // why
	assigned   string             // a name that is free for the Secret; empty: to be found out
	lost       []string           // see Plan
	run        string             // the id of this run in the metadata
	password   string
	try        roleTry

	result    *postgres.Result // of the verified login
	asked     postgres.Request // what it was verified for
	did       []string         // statements, of all rounds
	created   string           // the login role that this run created and has not rolled back
	secret    *corev1.Secret   // as it is now; nil: not there yet
	isNew     bool             // this run created the Secret
	newSecret string           // its name
	extended  bool             // this run changed the Secret
	changed   bool             // this run changed the workload
	made      undo.Stack
	conflict  error // the other writer that it met in this round
	observed  bool  // at least once
	accepted  bool  // the API server has accepted the change of the workload
	finished  bool
}

// roleTry is what is to be done with a login role of a name, once a round has found out what observing does not tell.
type roleTry struct {
	role string
	how  roleAction
}

// roleAction is what is done with a login role.
type roleAction int

const (
	keepRole   roleAction = iota // complete its privileges, and verify the Secret's password
	takeRole                     // the same, and set the password
	createRole                   // the server does not have it, or it cannot log in
)

// fail ends an item.
func (i *Item) fail(err error) {
	i.Err, i.Outcome, i.conflict = err, Failed, nil
}

// again sends an item that met another writer back to be observed.
func (i *Item) again(err error) { i.conflict = err }

// rollBack deletes what this run created for the item, unless Pods may use it.
func (i *Item) rollBack(ctx context.Context, limit time.Duration) {
	if i.accepted {
		return
	}
	i.made.Report, i.made.Limit = i.Report, limit
	i.Err = i.made.Run(ctx, i.Err)
	i.made, i.created, i.result = undo.Stack{}, "", nil
}

// namespace is the workload's.
func (i *Item) namespace() string {
	if i.Workload != nil {
		return i.Workload.Namespace()
	}
	return i.Document.Namespace
}

// Name is the workload as kubectl prints it, or as the file does where it was not found.
func (i *Item) Name() string {
	if i.Workload != nil {
		return i.Workload.String()
	}
	return i.Document.Spec.Workload
}

// outcome is what became of an item that has not failed.
func (i *Item) outcome() Outcome {
	switch {
	case i.isNew:
		return Created
	case i.extended || i.changed || len(i.did) > 0:
		return Configured
	}
	return Unchanged
}
