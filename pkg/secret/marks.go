package secret

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
)

// The metadata that identifies Secrets of bindings. It is a hint, because everyone who can write Secrets can forge it. A role is
// changed only if its own comment names the binding.
const (
	ManagedByLabel = "app.kubernetes.io/managed-by"
	ManagedBy      = "kubectl-pgbind"

	prefix = "pgbind.dev/"
	// idLabel selects the Secrets of one binding.
	idLabel = prefix + "id"
	// bindingAnnotation is the annotation of a binding on its Secret.
	bindingAnnotation = prefix + "binding"
	// annotationPrefix is the prefix of the key of a binding's annotation on the workload. The Secret's name follows.
	annotationPrefix = "binding.pgbind.dev/"
)

// Marks is the metadata of a binding, which an annotation of its Secret stores as JSON, and in the same form an annotation of its
// workload. The spec is stored as it was requested: without defaults, except for what the binding is found by, and without the Secret's
// name, which is the object's.
type Marks struct {
	v1alpha1.BindingSpec   `json:"spec"`
	v1alpha1.BindingStatus `json:"status"`

	// Unbinding means that unbind has started to remove the binding. No other run may change it then. Only workloads store it.
	Unbinding bool `json:"unbinding,omitempty"`
	// Former are the variables of the workload that the binding replaced. Only workloads store it.
	Former []FormerVariable `json:"former,omitempty"`
}

// MarksOf reads the metadata of a binding from a Secret; ok is false if it has none.
func MarksOf(object metav1.Object) (marks Marks, ok bool) {
	if object.GetLabels()[ManagedByLabel] != ManagedBy {
		return Marks{}, false
	}
	value, stored := object.GetAnnotations()[bindingAnnotation]
	if !stored {
		return legacyMarks(object.GetAnnotations())
	}
	return parse(value)
}

// AnnotationsOf returns the metadata of the bindings that a workload's annotations describe, by the names of their Secrets. It ignores
// values that it cannot parse.
func AnnotationsOf(annotations map[string]string) map[string]Marks {
	found := map[string]Marks{}
	for key, value := range annotations {
		secret, ours := strings.CutPrefix(key, annotationPrefix)
		if !ours {
			continue
		}
		marks, ok := parse(value)
		if !ok {
			marks, ok = legacyAnnotation(value)
		}
		if ok {
			found[secret] = marks
		}
	}
	return found
}

// OwnerContainers returns the containers that have a binding of their own with a database, according to a workload's annotations.
func OwnerContainers(annotations map[string]string, database string) []string {
	var found []string
	for _, marks := range AnnotationsOf(annotations) {
		if marks.IsOwner() && marks.DBName == database {
			found = append(found, marks.OwnerContainer)
		}
	}
	return found
}

func parse(value string) (marks Marks, ok bool) {
	err := json.Unmarshal([]byte(value), &marks)
	return marks, err == nil && marks.ID != "" && marks.Generation > 0
}

// Value returns the value of the annotation.
func (m Marks) Value() string {
	m.Secret = ""
	text, _ := json.Marshal(m) // cannot fail: it has only strings, numbers and times
	return string(text)
}

// Note returns what the workload stores: everything that is needed to create the Secret again if it was deleted, and as little as possible
// that a rotation changes. A rotation replaces a password that was requested.
func (m Marks) Note() Marks {
	m.PasswordFrom = ""
	m.BindingStatus = v1alpha1.BindingStatus{ID: m.ID, Role: m.Role, Generation: m.Generation, Location: m.Location}
	return m
}

// AnnotationKey returns the key of the workload's annotation for the binding of that Secret. It fails if the Secret's
// name is too long for a key.
func AnnotationKey(secret string) (string, error) {
	key := annotationPrefix + secret
	if problems := validation.IsQualifiedName(key); len(problems) > 0 {
		return "", fmt.Errorf(
			"secret name %q is too long for an annotation of the workload: use --secret with at most 63 characters",
			secret,
		)
	}
	return key, nil
}

// GenerationAnnotation returns the key of the pod template's annotation that a rotation increments, so that the Pods are replaced.
func GenerationAnnotation(secret string) string { return "generation.pgbind.dev/" + secret }

// RefuseUnbinding returns an error if unbind has started to remove the binding of that Secret from the workload.
func (m Marks) RefuseUnbinding(workload, secret string) error {
	if !m.Unbinding {
		return nil
	}
	return &UnbindingError{Workload: workload, Secret: secret}
}

// UnbindingError reports that another run is removing the binding, or was interrupted while it did.
type UnbindingError struct{ Workload, Secret string }

func (e *UnbindingError) Error() string {
	return fmt.Sprintf("%s is being unbound from secret/%s: finish that first: kubectl pgbind unbind %s", e.Workload, e.Secret, e.Workload)
}

// ExpiresAt returns when the login role expires; the zero time means never. Without a Secret, only the spec says so.
func (m Marks) ExpiresAt() time.Time {
	return at(cmp.Or(m.BindingStatus.Expires, m.BindingSpec.Expires))
}

// RotatedAt returns when the login in the Secret last changed; the zero time means never.
func (m Marks) RotatedAt() time.Time { return at(m.Rotated) }

func at(t *metav1.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}

// Binding returns the Binding object for this metadata and the Secret of that name.
func (m Marks) Binding(secret types.NamespacedName) *v1alpha1.Binding {
	m.Secret = secret.Name
	return &v1alpha1.Binding{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.Kind},
		ObjectMeta: metav1.ObjectMeta{Namespace: secret.Namespace, Name: secret.Name},
		Spec:       m.BindingSpec,
		Status:     m.BindingStatus,
	}
}

// write adds the metadata to an object.
func (m Marks) write(object metav1.Object) {
	m.Former = nil
	object.SetLabels(merge(object.GetLabels(), m.labels()))
	annotations := merge(object.GetAnnotations(), map[string]string{bindingAnnotation: m.Value()})
	for _, key := range legacyKeys() {
		delete(annotations, key)
	}
	object.SetAnnotations(annotations)
}

// labels returns the labels of the binding's Secrets.
func (m Marks) labels() map[string]string {
	labels := map[string]string{ManagedByLabel: ManagedBy}
	if len(validation.IsValidLabelValue(m.ID)) == 0 { // it can be forged
		labels[idLabel] = m.ID
	}
	return labels
}

// CopyLabels gives a Secret the labels of its workload that say which application it belongs to. It omits app.kubernetes.io/instance: Argo
// CD can be configured to take everything with that label for a part of its application, and deletes what Git does not have.
func CopyLabels(object metav1.Object, workload map[string]string) {
	labels := object.GetLabels()
	for _, key := range []string{"app.kubernetes.io/name", "app.kubernetes.io/part-of"} {
		if value, has := workload[key]; has {
			labels = merge(labels, map[string]string{key: value})
		}
	}
	object.SetLabels(labels)
}

// merge returns both maps; ours wins over theirs.
func merge(theirs, ours map[string]string) map[string]string {
	merged := maps.Clone(theirs)
	if merged == nil {
		merged = map[string]string{}
	}
	maps.Copy(merged, ours)
	return merged
}
