package check

import (
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

// facts is all that was read about one binding. What an error stands beside is not known.
type facts struct {
	now     time.Time
	binding *inventory.Binding

	credentials credentials.Credentials // the Secret's values
	complete    bool                    // the Secret has all keys
	secretErr   error                   // the Secret's values could not be read

	referenced  bool     // the pod template uses the Secret
	stalePods   []string // the Pods that have other values than the Secret
	workloadErr error    // the workload or its Pods could not be read

	namespaceUID string // empty where the Namespace may not be read

	role      *postgres.MarkedRole // nil: there is none of that name
	answer    postgres.Answer
	trust     bool
	serverErr error // the server could not be asked
}
