package credentials

import (
	"encoding/json"
	"maps"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
)

// The metadata that identifies Secrets of bindings. It is a hint, because everyone who can write Secrets can forge it. A role is
// changed only if its own comment names the binding.
const (
	ManagedByLabel = "app.kubernetes.io/managed-by"
	ManagedBy      = "kubectl-pgbind"

	prefix = "pgbind.dev/"
)

// Marks is the metadata of a binding on its Secret.
type Marks struct {
	ID                string
	Run               string
	Workload          string // as kubectl prints it: deployment.apps/web
	Database          string
	Postgres          string // where SQL ran: pod/postgresql-sfs-0
	PostgresNamespace string
	Location          string
	Access            string
	Schemas           []string // empty: public
	Isolated          bool     // the access role belongs to this binding alone
	Role              string
	Generation        int
	Expires           time.Time // when the login role expires; zero: never
	Rotated           time.Time // when the credentials last changed in place; zero: never
	Choices           v1alpha1.Choices
}

// fields maps the names of the annotations to the fields.
func (m *Marks) fields() map[string]*string {
	return map[string]*string{
		"id":                 &m.ID,
		"run":                &m.Run,
		"workload":           &m.Workload,
		"database":           &m.Database,
		"postgres":           &m.Postgres,
		"postgres-namespace": &m.PostgresNamespace,
		"location":           &m.Location,
		"access":             &m.Access,
		"role":               &m.Role,
	}
}

// times maps the names of the annotations to the fields that are times.
func (m *Marks) times() map[string]*time.Time {
	return map[string]*time.Time{"expires": &m.Expires, "rotated": &m.Rotated}
}

// MarksOf reads the metadata of a binding from an object; ok is false if it has none.
func MarksOf(object metav1.Object) (marks Marks, ok bool) {
	annotations := object.GetAnnotations()
	if object.GetLabels()[ManagedByLabel] != ManagedBy {
		return Marks{}, false
	}
	for name, value := range marks.fields() {
		*value = annotations[prefix+name]
	}
	if schemas := annotations[prefix+"schemas"]; json.Unmarshal([]byte(schemas), &marks.Schemas) != nil {
		marks.Schemas = nil
	}
	if choices := annotations[prefix+"choices"]; json.Unmarshal([]byte(choices), &marks.Choices) != nil {
		marks.Choices = v1alpha1.Choices{}
	}
	marks.Isolated = annotations[prefix+"isolated"] == "true"
	for name, when := range marks.times() {
		if parsed, err := time.Parse(time.RFC3339, annotations[prefix+name]); err == nil {
			*when = parsed
		}
	}
	generation, err := strconv.Atoi(annotations[prefix+"generation"])
	marks.Generation = generation
	return marks, err == nil && marks.ID != ""
}

// write adds the metadata to an object.
func (m Marks) write(object metav1.Object) {
	object.SetLabels(merge(object.GetLabels(), map[string]string{ManagedByLabel: ManagedBy}))
	annotations := merge(object.GetAnnotations(), m.annotations())
	if m.choices() == "" {
		delete(annotations, prefix+"choices")
	}
	object.SetAnnotations(annotations)
}

// Changed returns the annotations to write so that the object has this metadata; an empty value removes an annotation. It keeps the
// run that created the object, and times that are not set in m.
func (m Marks) Changed(object metav1.Object) map[string]string {
	changed, present, wanted := map[string]string{}, object.GetAnnotations(), m.annotations()
	for name, value := range wanted {
		if present[name] != value && name != prefix+"run" {
			changed[name] = value
		}
	}
	for _, name := range []string{prefix + "isolated", prefix + "choices"} {
		if _, kept := wanted[name]; !kept && present[name] != "" {
			changed[name] = ""
		}
	}
	return changed
}

func (m Marks) annotations() map[string]string {
	annotations := map[string]string{prefix + "generation": strconv.Itoa(m.Generation)}
	for name, value := range m.fields() {
		if *value != "" {
			annotations[prefix+name] = *value
		}
	}
	for name, when := range m.times() {
		if !when.IsZero() {
			annotations[prefix+name] = when.UTC().Format(time.RFC3339)
		}
	}
	if schemas, err := json.Marshal(m.Schemas); err == nil && len(m.Schemas) > 0 {
		annotations[prefix+"schemas"] = string(schemas)
	}
	if choices := m.choices(); choices != "" {
		annotations[prefix+"choices"] = choices
	}
	if m.Isolated {
		annotations[prefix+"isolated"] = "true"
	}
	return annotations
}

// choices returns the choices as one annotation, empty if there are none.
func (m Marks) choices() string {
	text, err := json.Marshal(m.Choices)
	if err != nil || string(text) == "{}" {
		return ""
	}
	return string(text)
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
