// Package inventory finds bindings: all of a namespace, those of a workload, and that of a Secret. A list reads only metadata, so that the
// values of Secrets stay on the server. The result is a hint: everyone who can write Secrets or workloads can forge metadata.
package inventory

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// State describes how the Secret and the workload of a binding match.
type State string

const (
	// Bound means that the Secret names the workload, and the pod template of the workload uses the Secret.
	Bound State = "Bound"
	// Unreferenced means that the pod template does not use the Secret, as after an interrupted bind or with --inject none.
	Unreferenced State = "Unreferenced"
	// NoWorkload means that the workload does not exist.
	NoWorkload State = "NoWorkload"
	// Recreated means that the workload was deleted, and that a newer one has its name. The next bind continues the binding.
	Recreated State = "Recreated"
	// NoSecret means that the workload names a Secret that does not exist.
	NoSecret State = "NoSecret"
	// Expired means that the binding has expired.
	Expired State = "Expired"
	// Unknown means that the Secret or the workload cannot be read.
	Unknown State = "Unknown"
)

// Presence reports whether an object exists. The zero value means that this is unknown.
type Presence int

const (
	// Unread means that the object could not be read.
	Unread Presence = iota
	// Present means that the object exists.
	Present
	// Absent means that the API server reported that the object does not exist.
	Absent
)

// Entry is one binding of a list, according to its metadata. Without a Secret, Marks hold what the workload's annotation contains.
type Entry struct {
	Namespace  string
	SecretName string
	Marks      secret.Marks
	Created    time.Time // creation of the Secret; zero without one

	Secret   Presence
	Workload Presence
	// Noted is the workload's annotation for the Secret; nil if it has none.
	Noted *secret.Marks
	// Recreated means that the workload is Absent, and that a newer one has its name.
	Recreated bool
	// Referenced reports whether the pod template of the workload uses the Secret; nil: the template was not read.
	Referenced *bool
	// WorkloadUID is the UID of the workload, empty unless the workload is Present.
	WorkloadUID types.UID
}

// State returns the state of the binding at the time now.
func (b *Entry) State(now time.Time) State {
	switch {
	case b.Secret == Absent:
		return NoSecret
	case b.Workload == Absent && b.Recreated:
		return Recreated
	case b.Workload == Absent:
		return NoWorkload
	case b.Secret == Unread || b.Workload == Unread:
		return Unknown
	case !b.isReferenced():
		return Unreferenced
	case b.Expired(now):
		return Expired
	}
	return Bound
}

// isReferenced reports whether the workload uses the Secret. The annotation only counts if the pod template is unknown: a tool that applies
// manifests can remove the reference and keep the annotation, and the reference can be in a manifest without an annotation.
func (b *Entry) isReferenced() bool {
	if b.Referenced != nil {
		return *b.Referenced
	}
	return b.Noted != nil && b.Noted.ID == b.Marks.ID
}

// Expired reports whether the binding has expired according to its metadata.
func (b *Entry) Expired(now time.Time) bool {
	expires := b.Marks.ExpiresAt()
	return !expires.IsZero() && !now.Before(expires)
}

// Inventory is the result of one Read.
type Inventory struct {
	// Entries are sorted by namespace, workload and Secret.
	Entries []Entry
	// Gaps are the errors of lists that failed. The objects of these lists are Unread.
	Gaps []error

	secrets   map[types.NamespacedName]bool
	workloads []Workload
	resources []workload.Resource // the kinds that were listed
	whole     bool                // every kind of workload could be listed
	allowed   bool                // Secrets could be listed
}

// Workload is the part of a workload that an inventory keeps.
type Workload struct {
	Namespace, Name string // Name as kubectl prints it: deployment.apps/web
	UID             types.UID
}

// Workloads returns the workloads of a namespace that could be read. whole reports whether every kind could be listed.
func (i *Inventory) Workloads(namespace string) (list []Workload, whole bool) {
	for _, w := range i.workloads {
		if w.Namespace == namespace {
			list = append(list, w)
		}
	}
	return list, i.whole
}

// SecretsRead reports whether Secrets could be listed. If so, a Secret that is not in Bindings does not exist.
func (i *Inventory) SecretsRead() bool { return i.allowed }
