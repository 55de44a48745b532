package check

import (
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// facts is everything that was read about one binding. If an error is set, the fields that it covers are unknown.
type facts struct {
	now     time.Time
	binding *inventory.Entry

	credentials secret.Credentials // the Secret's values
	complete    bool               // the Secret has every login key
	keys        []string           // the Secret's keys
	damaged     string             // a key of the Secret with another login
	secretErr   error              // from reading the Secret's values

	found       *workload.Named   // the workload, as it was read
	referenced  bool              // the pod template uses the Secret
	hidden      []workload.Hidden // variables of the Secret that containers do not get
	removedBy   string            // the tool that removes the reference the next time that it applies its manifest
	managedBy   string            // the tool whose manifest sets envFrom
	replicas    int               // Pods that the workload should have; 0: unknown
	stalePods   []string          // Pods that started with other values than the Secret's
	paused      string            // what holds the rollout back, in words; empty: nothing
	rollout     string            // the command that shows a rollout that has not replaced all Pods; empty: each has the current template
	pods        workload.RolloutKind
	isPod       bool  // the workload is a bare Pod
	workloadErr error // from reading the workload or its Pods

	named string // the namespace of the servers that the user named

	namespaceUID string // empty if the Namespace cannot be read

	noDatabase bool // the server does not have the binding's database

	role      *postgres.MarkedRole // nil: the role does not exist
	answer    postgres.Answer
	available int // connections of the server for all bindings; 0: unknown
	promised  int // the sum of all limits on the server, if it is too large and this binding has the largest
	trust     bool
	serverErr error // from querying the server
}
