package credentials

import (
	"encoding/json"
	"maps"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
)

// The marks by which objects are known as ours. They are hints: whoever may write Secrets can forge them, so a role is only
// ever touched on the word of its own comment.
const (
	ManagedByLabel = "app.kubernetes.io/managed-by"
	ManagedBy      = "kubectl-pgbind"

	prefix = "pgbind.dev/"
)

// Marks say which binding a Secret belongs to.
type Marks struct {
	ID                string
	Run               string
	Workload          string // as kubectl prints it: deployment.apps/web
	Database          string
	Postgres          string // what ran SQL: pod/postgresql-sfs-0
	PostgresNamespace string
	Location          string
	Access            string
	Schemas           []string // empty: public
	Isolated          bool     // whether the access role is for this binding alone
	Role              string
	Generation        int
	Expires           time.Time // when the password ends; zero: never
	Rotated           time.Time // when the credentials last changed in place; zero: never
	Choices           v1alpha1.Choices
}

// fields is the one list of the marks and their annotations.
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

// times is the one list of the marks that are times.
func (m *Marks) times() map[string]*time.Time {
	return map[string]*time.Time{"expires": &m.Expires, "rotated": &m.Rotated}
}

// MarksOf reads the marks of an object; ok is false where it carries none of ours.
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

// write puts the marks on an object.
func (m Marks) write(object metav1.Object) {
	object.SetLabels(merge(object.GetLabels(), map[string]string{ManagedByLabel: ManagedBy}))
	annotations := merge(object.GetAnnotations(), m.annotations())
	if m.choices() == "" {
		delete(annotations, prefix+"choices")
	}
	object.SetAnnotations(annotations)
}

// Changed is what must be written over the annotations of an object so that it carries the marks; an empty one is none. What tells of
// the run that made the object stays, and so does a time that the marks do not tell.
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

// choices are written as one annotation; empty for none.
func (m Marks) choices() string {
	text, err := json.Marshal(m.Choices)
	if err != nil || string(text) == "{}" {
		return ""
	}
	return string(text)
}

// merge adds to what others wrote, and wins over it.
func merge(theirs, ours map[string]string) map[string]string {
	merged := maps.Clone(theirs)
	if merged == nil {
		merged = map[string]string{}
	}
	maps.Copy(merged, ours)
	return merged
}
