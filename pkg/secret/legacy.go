package secret

import (
	"encoding/json"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
)

// Versions up to commit 03b9a50, and some later ones, stored each field in an annotation of its own. They are read here, and replaced
// whenever metadata is written.

// legacyKeys returns the keys of the annotations of a Secret in the old format.
func legacyKeys() []string {
	var keys []string
	for _, name := range []string{"id", "run", "workload", "database", "postgres", "postgres-namespace", "location", "access", "schemas",
		"isolated", "role", "generation", "expires", "rotated", "choices"} {
		keys = append(keys, prefix+name)
	}
	return keys
}

// legacyMarks reads the annotations of a Secret in the old format.
func legacyMarks(annotations map[string]string) (marks Marks, ok bool) {
	value := func(name string) string { return annotations[prefix+name] }
	if json.Unmarshal([]byte(value("choices")), &marks.BindingSpec) != nil {
		marks.BindingSpec = v1alpha1.BindingSpec{}
	}
	if json.Unmarshal([]byte(value("schemas")), &marks.Schemas) != nil {
		marks.Schemas = nil
	}
	marks.Workload, marks.DBName = value("workload"), value("database")
	marks.Postgres, marks.PostgresNamespace = value("postgres"), value("postgres-namespace")
	marks.Access, marks.Isolated = value("access"), value("isolated") == "true"
	generation, err := strconv.Atoi(value("generation"))
	expires := legacyTime(value("expires"))
	marks.BindingSpec.Expires = expires
	marks.BindingStatus = v1alpha1.BindingStatus{
		ID: value("id"), Run: value("run"), Role: value("role"), Generation: generation, Location: value("location"),
		Expires: expires, Rotated: legacyTime(value("rotated")),
	}
	return marks.completed(), err == nil && marks.ID != ""
}

// legacyAnnotation reads the annotation of a workload in the old format.
func legacyAnnotation(value string) (marks Marks, ok bool) {
	var old struct {
		ID                string    `json:"id"`
		Role              string    `json:"role"`
		Database          string    `json:"database"`
		Generation        int       `json:"generation"`
		Unbinding         bool      `json:"unbinding"`
		Postgres          string    `json:"postgres"`
		PostgresNamespace string    `json:"postgresNamespace"`
		Access            string    `json:"access"`
		Schemas           []string  `json:"schemas"`
		Isolated          bool      `json:"isolated"`
		Keys              []string  `json:"keys"`
		Expires           time.Time `json:"expires"`
	}
	err := json.Unmarshal([]byte(value), &old)
	marks = Marks{
		BindingSpec: v1alpha1.BindingSpec{
			Postgres: old.Postgres, PostgresNamespace: old.PostgresNamespace, DBName: old.Database,
			Access: old.Access, Schemas: old.Schemas, Isolated: old.Isolated, Keys: old.Keys,
		},
		BindingStatus: v1alpha1.BindingStatus{ID: old.ID, Role: old.Role, Generation: old.Generation},
		Unbinding:     old.Unbinding,
	}
	if !old.Expires.IsZero() {
		marks.BindingSpec.Expires = &metav1.Time{Time: old.Expires}
	}
	return marks.completed(), err == nil && marks.ID != ""
}

// completed fills in what the old format left out if it was the default.
func (m Marks) completed() Marks {
	if len(m.Schemas) == 0 {
		m.Schemas = []string{v1alpha1.DefaultSchema}
	}
	return m
}

func legacyTime(text string) *metav1.Time {
	parsed, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil
	}
	return &metav1.Time{Time: parsed}
}
