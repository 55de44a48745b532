package credentials

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
)

const usualSchema = "public"

// annotationPrefix is the prefix of the key of a binding's annotation on the workload. The Secret's name follows.
const annotationPrefix = "binding.pgbind.dev/"

// Annotation describes a binding on its workload, in enough detail to create the Secret again if it was deleted.
type Annotation struct {
	ID         string `json:"id"`
	Role       string `json:"role"`
	Database   string `json:"database"`
	Generation int    `json:"generation"`
	// Unbinding means that unbind has started to remove the binding. No other run may change it then.
	Unbinding bool `json:"unbinding,omitempty"`

	Postgres          string   `json:"postgres,omitempty"`
	PostgresNamespace string   `json:"postgresNamespace,omitempty"` // empty: the workload's namespace
	Access            string   `json:"access,omitempty"`
	Schemas           []string `json:"schemas,omitempty"` // empty: public
	Isolated          bool     `json:"isolated,omitempty"`
	Keys              []string `json:"keys,omitempty"` // as --key names them

	Expires time.Time `json:"expires,omitzero"`
}

// RefuseUnbinding returns an error if unbind has started to remove the binding of that Secret from the workload.
func (a Annotation) RefuseUnbinding(workload, secret string) error {
	if !a.Unbinding {
		return nil
	}
	return &UnbindingError{Workload: workload, Secret: secret}
}

// UnbindingError reports that another run is removing the binding, or was interrupted while it did.
type UnbindingError struct{ Workload, Secret string }

func (e *UnbindingError) Error() string {
	return fmt.Sprintf("%s is being unbound from secret/%s: finish that first: kubectl pgbind unbind %s", e.Workload, e.Secret, e.Workload)
}

// Note returns the annotation for the binding with this metadata, on a workload in that namespace.
func (m Marks) Note(namespace string) Annotation {
	a := Annotation{
		ID: m.ID, Role: m.Role, Database: m.Database, Generation: m.Generation,
		Postgres: m.Postgres, PostgresNamespace: m.PostgresNamespace, Access: m.Access, Schemas: m.Schemas, Isolated: m.Isolated,
		Keys:    m.Choices.Keys,
		Expires: m.Expires.UTC(), // the same in every time zone
	}
	if a.PostgresNamespace == namespace {
		a.PostgresNamespace = ""
	}
	if len(a.Schemas) == 1 && a.Schemas[0] == usualSchema {
		a.Schemas = nil
	}
	return a
}

// Marks returns the binding's metadata as far as the annotation of that workload contains it.
func (a Annotation) Marks(workload string) Marks {
	return Marks{
		ID: a.ID, Role: a.Role, Database: a.Database, Generation: a.Generation, Workload: workload,
		Postgres: a.Postgres, PostgresNamespace: a.PostgresNamespace, Access: a.Access, Schemas: a.Schemas, Isolated: a.Isolated,
		Expires: a.Expires, Choices: v1alpha1.Choices{Keys: a.Keys},
	}
}

// AnnotationKey returns the key of the annotation for the binding of that Secret. It fails if the Secret's name is too long for a key.
func AnnotationKey(secret string) (string, error) {
	key := annotationPrefix + secret
	if problems := validation.IsQualifiedName(key); len(problems) > 0 {
		return "", fmt.Errorf("secret name %q is too long for an annotation of the workload: use --secret with at most 63 characters", secret)
	}
	return key, nil
}

// GenerationAnnotation returns the key of the pod template's annotation that a rotation increments, so that the Pods are replaced.
func GenerationAnnotation(secret string) string { return "generation.pgbind.dev/" + secret }

// Value returns the value of the annotation.
func (a Annotation) Value() (string, error) {
	text, err := json.Marshal(a)
	return string(text), err
}

// AnnotationsOf returns the bindings in an object's annotations, by the names of their Secrets. It ignores values that it cannot parse.
func AnnotationsOf(annotations map[string]string) map[string]Annotation {
	found := map[string]Annotation{}
	for key, value := range annotations {
		var a Annotation
		if secret, ok := strings.CutPrefix(key, annotationPrefix); ok && json.Unmarshal([]byte(value), &a) == nil && a.ID != "" {
			found[secret] = a
		}
	}
	return found
}
