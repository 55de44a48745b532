// Package v1alpha1 is the form in which bindings are written down. No API server knows it: it is read from files and printed.
package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// The identity of a written binding.
const (
	APIVersion = "pgbind.dev/v1alpha1"
	Kind       = "Binding"
)

// Binding is one workload's access to one database. Its name is its Secret's, its namespace the workload's.
type Binding struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   BindingSpec   `json:"spec"`
	Status BindingStatus `json:"status,omitzero"`
}

// BindingSpec is what was asked for, under the names of the flags.
type BindingSpec struct {
	Workload          string   `json:"workload"`
	Postgres          string   `json:"postgres,omitempty"`
	PostgresNamespace string   `json:"postgresNamespace,omitempty"`
	DBName            string   `json:"dbname,omitempty"`
	Access            string   `json:"access,omitempty"`
	Schemas           []string `json:"schemas,omitempty"`
	Isolated          bool     `json:"isolated,omitempty"`
	Secret            string   `json:"secret,omitempty"`
}

// BindingStatus is what came of it.
type BindingStatus struct {
	ID         string       `json:"id,omitempty"`
	Role       string       `json:"role,omitempty"`
	Generation int          `json:"generation,omitempty"`
	Location   string       `json:"location,omitempty"`
	Expires    *metav1.Time `json:"expires,omitempty"`
	Rotated    *metav1.Time `json:"rotated,omitempty"`
	State      string       `json:"state,omitempty"`
	Host       string       `json:"host,omitempty"`     // told by a bind
	Verified   *bool        `json:"verified,omitempty"` // by a bind: whether the server asked for the password
}
