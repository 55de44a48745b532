// Package inventory tells which bindings there are, from the marks that the API server keeps. It reads metadata only, so that no
// Secret's values leave the server. What it tells are hints: whoever may write Secrets or workloads can forge them.
package inventory

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
)

// State says in one word how the two sides of a binding that the API server knows agree.
type State string

const (
	// Bound is a Secret and a workload that name each other.
	Bound State = "Bound"
	// Unreferenced is a Secret whose workload does not name it, as a bind leaves it that died, or --inject none.
	Unreferenced State = "Unreferenced"
	// NoWorkload is a Secret whose workload is gone, or is another one of the same name.
	NoWorkload State = "NoWorkload"
	// NoSecret is a workload that names a Secret which is gone.
	NoSecret State = "NoSecret"
	// Expired is a binding beyond its time.
	Expired State = "Expired"
	// Unknown is a binding of which one side may not be read.
	Unknown State = "Unknown"
)

// Presence says whether an object is there. The zero value says that it is not known.
type Presence int

const (
	// Unread is what no authorised read has answered.
	Unread Presence = iota
	// Present is there.
	Present
	// Absent is what an authorised read did not find.
	Absent
)

// Binding is one binding as its marks tell of it. Where there is no Secret, Marks hold what the workload's annotation tells.
type Binding struct {
	Namespace  string
	SecretName string
	Marks      credentials.Marks
	Created    time.Time // the Secret; zero without one

	Secret   Presence
	Workload Presence
	// Noted is what the workload says of the Secret; nil where it says nothing.
	Noted *credentials.Annotation
	// WorkloadUID is the workload's, empty unless it is present.
	WorkloadUID types.UID
}

// State judges the binding at the time now.
func (b *Binding) State(now time.Time) State {
	switch {
	case b.Secret == Absent:
		return NoSecret
	case b.Workload == Absent:
		return NoWorkload
	case b.Secret == Unread || b.Workload == Unread:
		return Unknown
	case b.Noted == nil || b.Noted.ID != b.Marks.ID:
		return Unreferenced
	case b.Expired(now):
		return Expired
	}
	return Bound
}

// Expired says whether the marks give a time that is over.
func (b *Binding) Expired(now time.Time) bool {
	return !b.Marks.Expires.IsZero() && !now.Before(b.Marks.Expires)
}

// Inventory is what one reading found.
type Inventory struct {
	// Bindings are in the order of their namespaces, workloads and Secrets.
	Bindings []Binding
	// Gaps are the errors of what could not be read, which leave Unread behind.
	Gaps []error

	secrets   map[types.NamespacedName]bool
	workloads []Workload
	whole     bool // every kind of workload could be listed
	allowed   bool // Secrets could be listed
}

// Workload is as much of a workload as an inventory keeps.
type Workload struct {
	Namespace, Name string // Name as kubectl prints it: deployment.apps/web
	UID             types.UID
}

// Workloads lists the workloads of a namespace that could be read; whole says whether all could.
func (i *Inventory) Workloads(namespace string) (list []Workload, whole bool) {
	for _, w := range i.workloads {
		if w.Namespace == namespace {
			list = append(list, w)
		}
	}
	return list, i.whole
}

// SecretsRead says whether the Secrets could be listed, so that one that is not in Bindings does not exist.
func (i *Inventory) SecretsRead() bool { return i.allowed }
