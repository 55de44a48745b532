// Package v1alpha1 defines the Binding object, which files contain and commands print. The API server does not serve it. Its spec and
// status are also what annotations on Secrets and workloads store.
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The API version and kind of a Binding.
const (
	Group      = "pgbind.dev"
	APIVersion = Group + "/v1alpha1"
	Kind       = "Binding"
)

// KeyServiceBinding requests a second Secret in the form of servicebinding.io.
const KeyServiceBinding = "servicebinding"

// Binding is one workload's access to one database. Its name is the name of its Secret, its namespace the workload's.
type Binding struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   BindingSpec   `json:"spec"`
	Status BindingStatus `json:"status,omitzero"`
}

// BindingSpec describes the requested binding. Its fields are named like the flags, which fill it.
type BindingSpec struct {
	// The workload, as TYPE/NAME.
	Workload string `json:"workload" jsonschema:"title=TYPE/NAME,pattern=^[^/]+/[^/]+$,example=deployment/web"`

	// The object that runs PostgreSQL: pod/NAME, statefulset/NAME, deployment/NAME, service/NAME, cluster/NAME of
	// CloudNativePG, or the name of a Pod. Default: that of the workload's only binding, PGBIND_POSTGRES, the
	// Namespace's annotation pgbind.dev/postgres, pod/postgresql-sfs-0 if it exists, or else the only server in the
	// namespace.
	Postgres string `json:"postgres,omitempty" jsonschema:"title=TYPE/NAME or the name of a Pod,pattern=^[^/]+(/[^/]+)?$,example=service/pg"`
	// The namespace of that object. Default: the workload's namespace.
	PostgresNamespace string `json:"postgresNamespace,omitempty"`
	// The container that runs PostgreSQL. Default: detected by annotation, name, image and port.
	PostgresContainer string `json:"postgresContainer,omitempty"`
	// The administrator's role, which creates the login role. Default: postgres.
	AdminUser string `json:"adminUser,omitempty"`
	// The administrator's password, in the namespace of PostgreSQL: secret/NAME:KEY. Default: none, or the password that the container has.
	AdminPasswordFrom string `json:"adminPasswordFrom,omitempty" jsonschema:"title=secret/NAME:KEY,pattern=^secret/,example=secret/pg:password"`
	// The database. Default: that of the workload's only binding, PGBIND_DBNAME, the Namespace's annotation pgbind.dev/dbname, postgres on
	// pod/postgresql-sfs-0, or else the only one of the server that is not postgres or a template, or postgres if there is no other.
	DBName string `json:"dbname,omitempty"`
	// Whether to create the database if it does not exist. Its owner is the administrator.
	CreateDatabase bool `json:"createDatabase,omitempty"`
	// The template of a new database. Default: template0.
	DatabaseTemplate string `json:"databaseTemplate,omitempty"`
	// The locale of a new database, for example en_US.utf8. Default: the locale of the template.
	DatabaseLocale string `json:"databaseLocale,omitempty"`
	// The host name in the Secret. Default: the host name of a Service of the database Pod.
	Host string `json:"host,omitempty"`
	// The port of the host. Default: the port of the Service.
	Port int32 `json:"port,omitempty" jsonschema:"minimum=1,maximum=65535"`
	// The DNS domain of the cluster. Default: read from the database Pod.
	ClusterDomain string `json:"clusterDomain,omitempty"`

	// The access level. Default: that of the workload's only binding, PGBIND_ACCESS, the Namespace's annotation
	// pgbind.dev/access, or else all.
	Access string `json:"access,omitempty" jsonschema:"enum=all,enum=readwrite,enum=readonly"`
	// The schemas that the access level applies to. Default: createSchema, or else public.
	Schemas []string `json:"schemas,omitempty" jsonschema:"minItems=1"`
	// A schema that is created if it does not exist. Its owner is the access role. The access level applies to it.
	CreateSchema string `json:"createSchema,omitempty"`
	// The extensions that are created if they do not exist, in this order.
	Extensions []string `json:"extensions,omitempty" jsonschema:"minItems=1"`
	// The schema of new extensions. It is created if it does not exist. Default: extensions.
	ExtensionSchema string `json:"extensionSchema,omitempty"`
	// Whether the binding has an access role of its own, so that it shares no objects with other bindings.
	Isolated bool `json:"isolated,omitempty"`

	// The name of the login role. Default: derived from the workload and the database.
	Username string `json:"username,omitempty"`
	// The password of the login role: secret/NAME:KEY. Default: a random password.
	PasswordFrom string `json:"passwordFrom,omitempty" jsonschema:"title=secret/NAME:KEY,pattern=^secret/,example=secret/pg:password"`
	// The time at which the login role expires. Default: never.
	Expires *metav1.Time `json:"expires,omitempty" jsonschema:"title=a time,example=2030-12-31T18:00:00Z"`
	// How many connections the login role can have at the same time; -1 for no limit. Default: what the role has.
	ConnectionLimit *int32 `json:"connectionLimit,omitempty" jsonschema:"minimum=-1"`
	// Parameters with which sessions of the login role in the database begin, for example statement_timeout. The names
	// are in lower case. An empty value resets the parameter.
	Settings map[string]string `json:"settings,omitempty"`

	// The name of the Secret. Default: the binding's current Secret, or else WORKLOAD-pgbind, and
	// WORKLOAD-pgbind-DATABASE if the workload has another binding. The first binding on pod/postgresql-sfs-0 gets postgresql-secret-2.
	Secret string `json:"secret,omitempty"`
	// Sets of keys of the Secret, for what reads them. Default: lesson, which is POSTGRES_HOST, POSTGRES_USERNAME and POSTGRES_PASSWORD.
	Presets []string `json:"presets,omitempty" jsonschema:"enum=lesson,enum=libpq,enum=url,enum=spring,enum=django,enum=rails,enum=dotnet,enum=node,enum=cnpg,enum=servicebinding"` //nolint:lll // a tag
	// Additional keys of the Secret: the name of a variable, and a Go template over .Host, .Port, .Database, .Username,
	// .Password, .SSLMode, .CAPath, .URI and .JDBC, for example "{{.URI}}". The function urlquery makes a value fit a
	// URL.
	Env map[string]string `json:"env,omitempty"`
	// Whether the application keeps the names of its own variables, without a preset: pgbind finds those that hold the present login, and
	// adds them to env.
	NamesFromWorkload bool `json:"namesFromWorkload,omitempty"`
	// Additional keys of the Secret. The key servicebinding creates a second Secret, NAME-binding.
	Keys []string `json:"keys,omitempty" jsonschema:"enum=port,enum=database,enum=uri,enum=jdbc,enum=pgpass,enum=servicebinding"`
	// The sslmode in the URIs. Default: require if the server supports TLS, or else disable.
	SSLMode string `json:"sslmode,omitempty" jsonschema:"enum=disable,enum=allow,enum=prefer,enum=require,enum=verify-ca,enum=verify-full"`
	// The CA certificates of the server: secret/NAME:KEY or configmap/NAME:KEY.
	CAFrom string `json:"caFrom,omitempty"`

	// The way in which the Pods use the Secret. Default: envFrom, or env with namesFromWorkload.
	Inject string `json:"inject,omitempty" jsonschema:"enum=envFrom,enum=env,enum=volume,enum=none"`
	// The containers that use the Secret, or "*" for all. Default: the container of the default-container annotation, or else the only one.
	Containers []string `json:"containers,omitempty" jsonschema:"minItems=1"`
	// The container, for example an init container, that creates and alters the tables. It gets a second binding with a
	// Secret of its own, at access level all, and access is the level of the other containers. If access is all or
	// missing, only this container is bound.
	OwnerContainer string `json:"ownerContainer,omitempty"`
	// The prefix of the names of the environment variables.
	EnvPrefix string `json:"envPrefix,omitempty"`
	// The directory in which the Secret is mounted if inject is volume.
	MountPath string `json:"mountPath,omitempty" jsonschema:"title=an absolute path,pattern=^/,example=/run/secrets/db"`
	// The path to the pod template of a kind that pgbind does not know, for example spec.jobTemplate.spec.template.
	TemplatePath string `json:"templatePath,omitempty"`
	// The field manager of the writes to the workload and the Secret, also of later rotations and of the unbind. Default: pgbind.dev.
	FieldManager string `json:"fieldManager,omitempty" jsonschema:"maxLength=128"`
}

// BindingStatus describes an existing binding.
type BindingStatus struct {
	// The identity of the binding.
	ID string `json:"id,omitempty"`
	// The run of the program that created the Secret, or that rotated its login last.
	Run string `json:"run,omitempty"`
	// The UID of the workload, if it was deleted and created again after the bind that created the Secret.
	WorkloadUID string `json:"workloadUID,omitempty"`
	// The login role.
	Role string `json:"role,omitempty"`
	// The number of the login role; a rotation increments it.
	Generation int `json:"generation,omitempty"`
	// Whether the login role and the Secret existed before the binding, which adopted them.
	Adopted bool `json:"adopted,omitempty"`
	// The login role that a takeover replaced. What it owned goes back to it when the takeover is undone.
	FormerLogin string `json:"formerLogin,omitempty"`
	// What the access role owned before the takeover, and keeps when it is undone.
	OwnedBefore []string `json:"ownedBefore,omitempty"`
	// The server, independent of the object that was named.
	Location string `json:"location,omitempty"`
	// The time at which the login role expires.
	Expires *metav1.Time `json:"expires,omitempty"`
	// The time at which the login in the Secret last changed.
	Rotated *metav1.Time `json:"rotated,omitempty"`

	// Whether Secret and workload match. Set by list and diff.
	State string `json:"state,omitempty"`
	// The host in the Secret.
	Host string `json:"host,omitempty"`
	// The port in the Secret.
	Port int32 `json:"port,omitempty"`
	// The sslmode in the Secret.
	SSLMode string `json:"sslmode,omitempty"`
	// Whether the server asked for the password. Set by bind.
	Verified *bool `json:"verified,omitempty"`
}
