// Package v1alpha1 is the form in which bindings are written down. No API server knows it: it is read from files and printed.
package v1alpha1

import (
	"cmp"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

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

// What is meant where a binding does not say it.
const (
	DefaultPostgres  = "pod/postgresql-sfs-0"
	DefaultDBName    = "postgres"
	DefaultAccess    = "all"
	DefaultSchema    = "public"
	DefaultAdminUser = "postgres"
	DefaultInject    = "envFrom"
)

// KeyServiceBinding is the key that stands for a second Secret.
const KeyServiceBinding = "servicebinding"

// WithDefaults is the spec of a workload in namespace with what it does not say, so that two specs that mean the same are equal.
func (s BindingSpec) WithDefaults(namespace string) BindingSpec {
	s.Postgres = cmp.Or(s.Postgres, DefaultPostgres)
	s.PostgresNamespace = cmp.Or(s.PostgresNamespace, namespace)
	s.DBName = cmp.Or(s.DBName, DefaultDBName)
	s.Access = cmp.Or(s.Access, DefaultAccess)
	s.AdminUser = cmp.Or(s.AdminUser, DefaultAdminUser)
	s.Inject = cmp.Or(s.Inject, DefaultInject)
	if len(s.Schemas) == 0 {
		s.Schemas = []string{DefaultSchema}
	}
	return s
}

// BindingSpec is what was asked for, under the names of the flags.
type BindingSpec struct {
	// The workload, as TYPE/NAME.
	Workload string `json:"workload" jsonschema:"pattern=^[^/]+/[^/]+$"`
	// Where PostgreSQL runs: pod/NAME, statefulset/NAME or service/NAME. Default: pod/postgresql-sfs-0.
	Postgres string `json:"postgres,omitempty" jsonschema:"pattern=^[^/]+/[^/]+$"`
	// The namespace in which PostgreSQL runs. Default: the workload's.
	PostgresNamespace string `json:"postgresNamespace,omitempty"`
	// The database that the workload uses. Default: postgres.
	DBName string `json:"dbname,omitempty"`
	// What the user may do. Default: all.
	Access string `json:"access,omitempty" jsonschema:"enum=all,enum=readwrite,enum=readonly"`
	// The schemas that the user may use. Default: public.
	Schemas []string `json:"schemas,omitempty" jsonschema:"minItems=1"`
	// Whether nothing that the user creates is shared with other bindings.
	Isolated bool `json:"isolated,omitempty"`
	// The name of the Secret. Default: the binding's present one, else the next of postgresql-secret-2, -3 and so on.
	Secret string `json:"secret,omitempty"`

	// When the user's password ends. Default: never.
	Expires *metav1.Time `json:"expires,omitempty"`

	Choices `json:",inline"`
}

// Choices are the part of a binding that no other mark of its Secret tells.
type Choices struct {
	Sources `json:",inline"`

	// The container that runs PostgreSQL. Default: found by annotation, name, image and port.
	PostgresContainer string `json:"postgresContainer,omitempty"`
	// The role that makes the user. Default: postgres.
	AdminUser string `json:"adminUser,omitempty"`
	// The host name for the Secret. Default: that of the Service of the database Pod.
	Host string `json:"host,omitempty"`
	// The port of the host. Default: the Service's.
	Port int32 `json:"port,omitempty" jsonschema:"minimum=1,maximum=65535"`
	// The DNS domain of the cluster. Default: read in the database Pod.
	ClusterDomain string `json:"clusterDomain,omitempty"`
	// The name of the user. Default: one that is derived from the workload and the database.
	Username string `json:"username,omitempty"`
	// Whether to take from everybody what no level gives.
	RevokePublic bool `json:"revokePublic,omitempty"`
	// What the Secret also holds; servicebinding makes a second Secret, NAME-binding.
	Keys []string `json:"keys,omitempty" jsonschema:"enum=port,enum=database,enum=uri,enum=jdbc,enum=pgpass,enum=servicebinding"`
	// How the Pods get the Secret. Default: envFrom.
	Inject string `json:"inject,omitempty" jsonschema:"enum=envFrom,enum=env,enum=volume,enum=none"`
	// The containers that get the Secret; "*" stands for all. Default: the default-container annotation's, else the only one.
	Containers []string `json:"containers,omitempty" jsonschema:"minItems=1"`
	// The prefix of the variables' names.
	EnvPrefix string `json:"envPrefix,omitempty"`
	// The sslmode in the URIs. Default: require where the server encrypts, else disable.
	SSLMode string `json:"sslmode,omitempty" jsonschema:"enum=disable,enum=allow,enum=prefer,enum=require,enum=verify-ca,enum=verify-full"`
	// The folder in which the Secret is shown where inject is volume.
	MountPath string `json:"mountPath,omitempty" jsonschema:"pattern=^/"`
}

// Sources say where the values are that no file holds.
type Sources struct {
	// Where the administrator's password is, in the namespace of PostgreSQL: secret/NAME:KEY. Default: none is needed, or its container has it.
	AdminPasswordFrom string `json:"adminPasswordFrom,omitempty" jsonschema:"pattern=^secret/"`
	// Where the user's password is: secret/NAME:KEY. Default: a random one.
	PasswordFrom string `json:"passwordFrom,omitempty" jsonschema:"pattern=^secret/"`
	// Where the certificates of the server's authority are: secret/NAME:KEY or configmap/NAME:KEY.
	CAFrom string `json:"caFrom,omitempty"`
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
