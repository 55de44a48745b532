package inventory

import (
	"cmp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// join matches Secrets with workloads.
type join struct {
	inventory *Inventory
	secrets   *listing
	workloads map[types.NamespacedName]*metav1.PartialObjectMetadata // by namespace and the name that kubectl prints
	read      map[string]bool                                        // the kinds that could be listed, for example "deployment.apps"
}

func newJoin(secrets *listing) *join {
	j := &join{
		inventory: &Inventory{whole: true, allowed: secrets.err == nil, secrets: map[types.NamespacedName]bool{}},
		secrets:   secrets, workloads: map[types.NamespacedName]*metav1.PartialObjectMetadata{}, read: map[string]bool{},
	}
	if secrets.err != nil {
		j.inventory.Gaps = append(j.inventory.Gaps, secrets.err)
	}
	return j
}

// add adds the workloads of one kind. It skips objects that have a controller: a Deployment's annotations are copied to its ReplicaSets.
func (j *join) add(resource workload.Resource, found *listing) {
	if found.err != nil {
		j.inventory.Gaps = append(j.inventory.Gaps, found.err)
		j.inventory.whole = false
	} else {
		j.read[strings.TrimSuffix(resource.NameOf(""), "/")] = true
	}
	for _, object := range found.objects {
		if metav1.GetControllerOf(object) != nil {
			continue
		}
		name := resource.NameOf(object.Name)
		j.workloads[types.NamespacedName{Namespace: object.Namespace, Name: name}] = object
		j.inventory.workloads = append(j.inventory.workloads, Workload{Namespace: object.Namespace, Name: name, UID: object.UID})
	}
}

// finish returns the bindings that match the selector.
func (j *join) finish(selector labels.Selector) *Inventory {
	for _, object := range j.secrets.objects {
		marks, ok := secret.MarksOf(object)
		if !ok {
			continue
		}
		b := Entry{
			Namespace:  object.Namespace,
			SecretName: object.Name,
			Marks:      marks,
			Created:    object.CreationTimestamp.Time,
			Secret:     Present,
		}
		j.inventory.secrets[types.NamespacedName{Namespace: object.Namespace, Name: object.Name}] = true
		j.attach(&b)
		j.keep(b, selector)
	}
	for name, object := range j.workloads {
		j.dangling(name, object, selector)
	}
	slices.SortFunc(j.inventory.Entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Marks.Workload, b.Marks.Workload),
			cmp.Compare(a.SecretName, b.SecretName))
	})
	return j.inventory
}

// attach finds the workload that a Secret's metadata names.
func (j *join) attach(b *Entry) {
	object, found := j.workloads[types.NamespacedName{Namespace: b.Namespace, Name: b.Marks.Workload}]
	kind, _, _ := strings.Cut(b.Marks.Workload, "/")
	switch {
	case !found && !j.read[kind]:
		return // the list failed, or the kind is not one that is listed
	case !found:
		b.Workload = Absent
		return
	}
	if b.Found(object.UID); b.Workload == Absent {
		return
	}
	if note, ok := secret.AnnotationsOf(object.Annotations)[b.SecretName]; ok {
		b.Noted = &note
	}
}

// Found records that the workload that the Secret names was read by its name, and has this UID.
func (b *Entry) Found(uid types.UID) {
	if !b.belongsTo(uid) {
		b.Workload, b.Recreated = Absent, true
		return
	}
	b.Workload, b.WorkloadUID = Present, uid
}

// belongsTo reports whether the binding belongs to the workload with this UID and not to an earlier one of the same name. A bare Pod
// is identified by its name, because its replacement has another UID.
func (b *Entry) belongsTo(uid types.UID) bool {
	return strings.HasPrefix(b.Marks.Workload, "pod/") || b.Marks.WorkloadUID == string(uid) ||
		secret.ID(uid, b.Marks.Location, b.Marks.DBName, b.Marks.IsOwner()) == b.Marks.ID
}

// dangling adds the bindings that a workload's annotations name and whose Secrets were not found.
func (j *join) dangling(name types.NamespacedName, object *metav1.PartialObjectMetadata, selector labels.Selector) {
	for secret, note := range secret.AnnotationsOf(object.Annotations) {
		if j.inventory.secrets[types.NamespacedName{Namespace: name.Namespace, Name: secret}] {
			continue
		}
		note.Workload = name.Name // annotations can be copied from another workload
		b := Entry{
			Namespace: name.Namespace, SecretName: secret, Workload: Present, WorkloadUID: object.UID, Noted: &note, Marks: note,
		}
		if j.inventory.allowed {
			b.Secret = Absent
		}
		j.keep(b, selector)
	}
}

// keep adds the binding if the selector matches the labels of its workload.
func (j *join) keep(b Entry, selector labels.Selector) {
	set := labels.Set{}
	if object, ok := j.workloads[types.NamespacedName{Namespace: b.Namespace, Name: b.Marks.Workload}]; ok {
		set = object.Labels
	}
	if selector.Empty() || selector.Matches(set) {
		j.inventory.Entries = append(j.inventory.Entries, b)
	}
}
