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

// annotationPrefix begins the key of a workload's annotation for a binding; the Secret's name ends it.
const annotationPrefix = "binding.pgbind.dev/"

// Annotation is what a workload says of one of its bindings: enough to make its Secret anew when somebody has deleted that.
type Annotation struct {
	ID         string `json:"id"`
	Role       string `json:"role"`
	Database   string `json:"database"`
	Generation int    `json:"generation"`
	// Unbinding says that the binding is being taken back: from then on no other run may go on with it.
	Unbinding bool `json:"unbinding,omitempty"`

	Postgres          string   `json:"postgres,omitempty"`
	PostgresNamespace string   `json:"postgresNamespace,omitempty"` // empty: the workload's
	Access            string   `json:"access,omitempty"`
	Schemas           []string `json:"schemas,omitempty"` // empty: public
	Isolated          bool     `json:"isolated,omitempty"`
	Keys              []string `json:"keys,omitempty"` // as --key names them

	Expires time.Time `json:"expires,omitzero"`
}

// RefuseUnbinding is an error where a workload, named as kubectl prints it, says that the binding of that Secret is being taken back.
func (a Annotation) RefuseUnbinding(workload, secret string) error {
	if !a.Unbinding {
		return nil
	}
	return &UnbindingError{Workload: workload, Secret: secret}
}

// UnbindingError says that another run takes the binding back, or died while it did.
type UnbindingError struct{ Workload, Secret string }

func (e *UnbindingError) Error() string {
	return fmt.Sprintf("%s is being unbound from secret/%s: finish that first with: kubectl pgbind unbind %s", e.Workload, e.Secret, e.Workload)
}

// Note is what the workload in that namespace says of the binding with these marks.
func (m Marks) Note(namespace string) Annotation {
	a := Annotation{
		ID: m.ID, Role: m.Role, Database: m.Database, Generation: m.Generation,
		Postgres: m.Postgres, PostgresNamespace: m.PostgresNamespace, Access: m.Access, Schemas: m.Schemas, Isolated: m.Isolated, Keys: m.Choices.Keys,
		Expires: m.Expires.UTC(), // wherever the command ran
	}
	if a.PostgresNamespace == namespace {
		a.PostgresNamespace = ""
	}
	if len(a.Schemas) == 1 && a.Schemas[0] == usualSchema {
		a.Schemas = nil
	}
	return a
}

// Marks are those of the binding as far as the workload of that name tells them.
func (a Annotation) Marks(workload string) Marks {
	return Marks{
		ID: a.ID, Role: a.Role, Database: a.Database, Generation: a.Generation, Workload: workload,
		Postgres: a.Postgres, PostgresNamespace: a.PostgresNamespace, Access: a.Access, Schemas: a.Schemas, Isolated: a.Isolated,
		Expires: a.Expires, Choices: v1alpha1.Choices{Keys: a.Keys},
	}
}

// AnnotationKey is the key of the annotation for the binding of that Secret. A Secret's name can be too long for one, which is an error.
func AnnotationKey(secret string) (string, error) {
	key := annotationPrefix + secret
	if problems := validation.IsQualifiedName(key); len(problems) > 0 {
		return "", fmt.Errorf("secret name %q is too long to be noted on a workload: choose one of 63 characters at most with --secret", secret)
	}
	return key, nil
}

// GenerationAnnotation is the key of the pod template's annotation that a rotation of that Secret's login counts up, so that the Pods are replaced.
func GenerationAnnotation(secret string) string { return "generation.pgbind.dev/" + secret }

// Value is the annotation's value.
func (a Annotation) Value() (string, error) {
	text, err := json.Marshal(a)
	return string(text), err
}

// AnnotationsOf reads the bindings that an object's annotations tell of, by the names of their Secrets. What cannot be read is not ours.
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
