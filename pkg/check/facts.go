package check

import (
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

// facts is everything that was read about one binding. If an error is set, the fields that it covers are unknown.
type facts struct {
	now     time.Time
	binding *inventory.Binding

	credentials credentials.Credentials // the Secret's values
	complete    bool                    // the Secret has every login key
	secretErr   error                   // from reading the Secret's values

	referenced  bool     // the pod template uses the Secret
	stalePods   []string // Pods that started with other values than the Secret's
	workloadErr error    // from reading the workload or its Pods

	namespaceUID string // empty if the Namespace cannot be read

	role      *postgres.MarkedRole // nil: the role does not exist
	answer    postgres.Answer
	trust     bool
	serverErr error // from querying the server
}
