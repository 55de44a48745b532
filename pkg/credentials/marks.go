package credentials

import (
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
	Role              string
	Expires           string // when the password ends, in RFC 3339; empty: never
	Generation        int
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
		"expires":            &m.Expires,
	}
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
	generation, err := strconv.Atoi(annotations[prefix+"generation"])
	marks.Generation = generation
	return marks, err == nil && marks.ID != ""
}

// ExpiresAnnotation is the annotation of a Secret that says when its password ends; none where end is empty.
func ExpiresAnnotation(end string) map[string]string {
	if end == "" {
		return nil
	}
	return map[string]string{prefix + "expires": end}
}

// write puts the marks on an object.
func (m Marks) write(object metav1.Object) {
	annotations := map[string]string{prefix + "generation": strconv.Itoa(m.Generation)}
	for name, value := range m.fields() {
		if *value != "" {
			annotations[prefix+name] = *value
		}
	}
	object.SetLabels(map[string]string{ManagedByLabel: ManagedBy})
	object.SetAnnotations(annotations)
}
