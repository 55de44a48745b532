// Package v1alpha1 defines the Binding object, which files contain and commands print. The API server does not serve it.
package v1alpha1

import (
	"cmp"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The API version and kind of a Binding.
const (
	APIVersion = "pgbind.dev/v1alpha1"
	Kind       = "Binding"
)

// Binding is one workload's access to one database. Its name is the name of its Secret, its namespace the workload's.
type Binding struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   BindingSpec   `json:"spec"`
	Status BindingStatus `json:"status,omitzero"`
}

// Defaults of the fields of a Binding.
const (
	DefaultPostgres  = "pod/postgresql-sfs-0"
	DefaultDBName    = "postgres"
	DefaultAccess    = "all"
	DefaultSchema    = "public"
	DefaultAdminUser = "postgres"
	DefaultInject    = "envFrom"
)

// KeyServiceBinding requests a second Secret in the form of servicebinding.io.
const KeyServiceBinding = "servicebinding"

// WithDefaults returns the spec of a workload in namespace with its defaults filled in. Two specs that mean the same are then equal.
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

// BindingSpec describes the requested binding. Its fields are named like the flags.
type BindingSpec struct {
	// The workload, as TYPE/NAME.
	Workload string `json:"workload" jsonschema:"pattern=^[^/]+/[^/]+$"`
	// The object that runs PostgreSQL: pod/NAME, statefulset/NAME or service/NAME. Default: pod/postgresql-sfs-0.
	Postgres string `json:"postgres,omitempty" jsonschema:"pattern=^[^/]+/[^/]+$"`
	// The namespace of that object. Default: the workload's namespace.
	PostgresNamespace string `json:"postgresNamespace,omitempty"`
	// The database. Default: postgres.
	DBName string `json:"dbname,omitempty"`
	// The access level. Default: all.
	Access string `json:"access,omitempty" jsonschema:"enum=all,enum=readwrite,enum=readonly"`
	// The schemas that the access level applies to. Default: public.
	Schemas []string `json:"schemas,omitempty" jsonschema:"minItems=1"`
	// Whether the binding has an access role of its own, so that it shares no objects with other bindings.
	Isolated bool `json:"isolated,omitempty"`
	// The name of the Secret. Default: the binding's current Secret, or else the first unused name of postgresql-secret-2, -3 and so on.
	Secret string `json:"secret,omitempty"`

	// The time at which the login role expires. Default: never.
	Expires *metav1.Time `json:"expires,omitempty"`

	Choices `json:",inline"`
}

// Choices are the fields of a binding that its Secret stores in one annotation.
type Choices struct {
	Sources `json:",inline"`

	// The container that runs PostgreSQL. Default: detected by annotation, name, image and port.
	PostgresContainer string `json:"postgresContainer,omitempty"`
	// The administrator's role, which creates the login role. Default: postgres.
	AdminUser string `json:"adminUser,omitempty"`
	// The host name in the Secret. Default: the host name of a Service of the database Pod.
	Host string `json:"host,omitempty"`
	// The port of the host. Default: the port of the Service.
	Port int32 `json:"port,omitempty" jsonschema:"minimum=1,maximum=65535"`
	// The DNS domain of the cluster. Default: read from the database Pod.
	ClusterDomain string `json:"clusterDomain,omitempty"`
	// The name of the login role. Default: derived from the workload and the database.
	Username string `json:"username,omitempty"`
	// Whether to revoke privileges of PUBLIC that no access level grants.
	RevokePublic bool `json:"revokePublic,omitempty"`
	// Additional keys of the Secret. The key servicebinding creates a second Secret, NAME-binding.
	Keys []string `json:"keys,omitempty" jsonschema:"enum=port,enum=database,enum=uri,enum=jdbc,enum=pgpass,enum=servicebinding"`
	// The way in which the Pods use the Secret. Default: envFrom.
	Inject string `json:"inject,omitempty" jsonschema:"enum=envFrom,enum=env,enum=volume,enum=none"`
	// The containers that use the Secret, or "*" for all. Default: the container of the default-container annotation, or else the only one.
	Containers []string `json:"containers,omitempty" jsonschema:"minItems=1"`
	// The prefix of the names of the environment variables.
	EnvPrefix string `json:"envPrefix,omitempty"`
	// The sslmode in the URIs. Default: require if the server supports TLS, or else disable.
	SSLMode string `json:"sslmode,omitempty" jsonschema:"enum=disable,enum=allow,enum=prefer,enum=require,enum=verify-ca,enum=verify-full"`
	// The directory in which the Secret is mounted if inject is volume.
	MountPath string `json:"mountPath,omitempty" jsonschema:"pattern=^/"`
}

// Sources refer to values that a Binding does not contain.
type Sources struct {
	// The administrator's password, in the namespace of PostgreSQL: secret/NAME:KEY. Default: none, or the password that the container has.
	AdminPasswordFrom string `json:"adminPasswordFrom,omitempty" jsonschema:"pattern=^secret/"`
	// The password of the login role: secret/NAME:KEY. Default: a random password.
	PasswordFrom string `json:"passwordFrom,omitempty" jsonschema:"pattern=^secret/"`
	// The CA certificates of the server: secret/NAME:KEY or configmap/NAME:KEY.
	CAFrom string `json:"caFrom,omitempty"`
}

// BindingStatus describes an existing binding.
type BindingStatus struct {
	ID         string       `json:"id,omitempty"`
	Role       string       `json:"role,omitempty"`
	Generation int          `json:"generation,omitempty"`
	Location   string       `json:"location,omitempty"`
	Expires    *metav1.Time `json:"expires,omitempty"`
	Rotated    *metav1.Time `json:"rotated,omitempty"`
	State      string       `json:"state,omitempty"`
	Host       string       `json:"host,omitempty"`     // set by bind
	Verified   *bool        `json:"verified,omitempty"` // set by bind: whether the server asked for the password
}
