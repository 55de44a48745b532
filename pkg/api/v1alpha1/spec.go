package v1alpha1

import (
	"cmp"
	"maps"
	"slices"
)

// Defaults of the fields of a BindingSpec.
const (
	DefaultPostgresPod = "postgresql-sfs-0"
	DefaultPostgres    = "pod/" + DefaultPostgresPod
	DefaultDBName      = "postgres"
	DefaultAccess      = "all"
	DefaultSchema      = "public"
	DefaultAdminUser   = "postgres"
	DefaultInject      = "envFrom"
	// DefaultFieldManager must not begin with "kubectl": Flux takes over the fields of every manager that does, and removes those that its
	// manifests do not set.
	DefaultFieldManager = "pgbind.dev"

	DefaultDatabaseTemplate = "template0"  // anyone can connect to other templates, which prevents the creation
	DefaultExtensionSchema  = "extensions" // with extensions; no application can create objects there
	injectNames             = "env"        // the default with NamesFromWorkload
)

// PresetServiceBinding is the preset whose default for inject is volume.
const PresetServiceBinding = "servicebinding"

// WithDefaults returns the spec of a workload in namespace with its defaults filled in. Two specs that mean the same are then equal. The
// other defaults depend on the cluster.
func (s BindingSpec) WithDefaults(namespace string) BindingSpec {
	s.Postgres = cmp.Or(s.Postgres, DefaultPostgres)
	s.PostgresNamespace = cmp.Or(s.PostgresNamespace, namespace)
	s.DBName = cmp.Or(s.DBName, DefaultDBName)
	s.Access = cmp.Or(s.Access, DefaultAccess)
	s.AdminUser = cmp.Or(s.AdminUser, DefaultAdminUser)
	if s.Inject == "" && slices.Equal(s.Presets, []string{PresetServiceBinding}) {
		s.Inject = "volume"
	}
	if s.NamesFromWorkload {
		s.Inject = cmp.Or(s.Inject, injectNames)
	}
	s.Inject = cmp.Or(s.Inject, DefaultInject)
	s.FieldManager = cmp.Or(s.FieldManager, DefaultFieldManager)
	if s.CreateSchema != "" && !slices.Contains(s.Schemas, s.CreateSchema) {
		s.Schemas = append([]string{s.CreateSchema}, s.Schemas...)
	}
	if len(s.Schemas) == 0 {
		s.Schemas = []string{DefaultSchema}
	}
	if s.CreateDatabase {
		s.DatabaseTemplate = cmp.Or(s.DatabaseTemplate, DefaultDatabaseTemplate)
	}
	if len(s.Extensions) > 0 {
		s.ExtensionSchema = cmp.Or(s.ExtensionSchema, DefaultExtensionSchema)
	}
	s.Settings = withoutEmpty(s.Settings)
	return s
}

// withoutEmpty returns the settings that have a value. The others mean the same as no setting.
func withoutEmpty(settings map[string]string) map[string]string {
	kept := maps.Clone(settings)
	maps.DeleteFunc(kept, func(_, value string) bool { return value == "" })
	if len(kept) == 0 {
		return nil
	}
	return kept
}

// KeepFrom returns the spec of a binding that was bound with the spec earlier and is now bound with s: what the earlier bind put into the
// Secret and the workload stays, unless s says otherwise. Everything that decides about rights in the database comes from s alone, because
// everyone who can write the Secret or the workload can forge earlier.
func (s BindingSpec) KeepFrom(earlier BindingSpec) BindingSpec {
	if s.NamesFromWorkload { // instead of other names
		earlier.Presets, earlier.Inject, earlier.MountPath, earlier.EnvPrefix = nil, "", "", ""
	}
	address := s
	if s.Host == "" && s.Port == 0 {
		address.Host, address.Port, address.ClusterDomain = earlier.Host, earlier.Port, cmp.Or(s.ClusterDomain, earlier.ClusterDomain)
	}
	reference := s
	if s.Inject == "" {
		reference.Inject, reference.MountPath = earlier.Inject, cmp.Or(s.MountPath, earlier.MountPath)
	}
	return BindingSpec{
		Workload: s.Workload, Postgres: s.Postgres, PostgresNamespace: s.PostgresNamespace, DBName: s.DBName, Secret: s.Secret,
		PostgresContainer: s.PostgresContainer, AdminUser: s.AdminUser,
		Access: s.Access, Schemas: s.Schemas, Isolated: s.Isolated,
		CreateDatabase: s.CreateDatabase, DatabaseTemplate: s.DatabaseTemplate, DatabaseLocale: s.DatabaseLocale,
		CreateSchema: s.CreateSchema, Extensions: s.Extensions, ExtensionSchema: s.ExtensionSchema,
		Username: s.Username, // the role in the workload's annotation decides
		Inject:   reference.Inject, MountPath: reference.MountPath, EnvPrefix: cmp.Or(s.EnvPrefix, earlier.EnvPrefix),

		Host: address.Host, Port: address.Port, ClusterDomain: address.ClusterDomain,
		Expires: cmp.Or(s.Expires, earlier.Expires),
		// A kept limit can only restrict, see postgres.Limits, and a login can change its settings itself.
		ConnectionLimit: cmp.Or(s.ConnectionLimit, earlier.ConnectionLimit), Settings: merged(earlier.Settings, s.Settings),
		Presets: either(s.Presets, earlier.Presets), Env: merged(earlier.Env, s.Env),
		NamesFromWorkload: s.NamesFromWorkload || earlier.NamesFromWorkload,
		Keys:              union(earlier.Keys, s.Keys), Containers: union(earlier.Containers, s.Containers),
		OwnerContainer:    s.OwnerContainer,
		TemplatePath:      cmp.Or(s.TemplatePath, earlier.TemplatePath),
		FieldManager:      cmp.Or(s.FieldManager, earlier.FieldManager),
		SSLMode:           cmp.Or(s.SSLMode, earlier.SSLMode),
		CAFrom:            cmp.Or(s.CAFrom, earlier.CAFrom),
		PasswordFrom:      cmp.Or(s.PasswordFrom, earlier.PasswordFrom),
		AdminPasswordFrom: cmp.Or(s.AdminPasswordFrom, earlier.AdminPasswordFrom), // printed by check, never read by a bind
	}
}

// IsOwner reports whether the spec is that of an owner container alone.
func (s BindingSpec) IsOwner() bool {
	return s.OwnerContainer != "" && cmp.Or(s.Access, DefaultAccess) == DefaultAccess
}

// Split returns the specs of the bindings that s describes: one, or a second one for the owner container, which gets nothing that only one
// binding can have.
func (s BindingSpec) Split() []BindingSpec {
	if s.OwnerContainer == "" || s.IsOwner() {
		return []BindingSpec{s}
	}
	owner := s
	owner.Access, owner.Containers = DefaultAccess, nil
	owner.Secret, owner.Username, owner.PasswordFrom = "", "", ""
	owner.CreateDatabase, owner.DatabaseTemplate, owner.DatabaseLocale = false, "", ""
	s.OwnerContainer = ""
	return []BindingSpec{s, owner}
}

// HasKey reports whether the spec requests this key of the Secret.
func (s BindingSpec) HasKey(key string) bool { return slices.Contains(s.Keys, key) }

// union returns what is in either list, in the order in which it was requested.
func union(earlier, now []string) []string {
	all := slices.Clip(earlier)
	for _, one := range now {
		if !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
}

// either returns the first list that is not empty.
func either(now, earlier []string) []string {
	if len(now) > 0 {
		return now
	}
	return earlier
}

// merged returns the entries of both; those of now win.
func merged(earlier, now map[string]string) map[string]string {
	all := maps.Clone(earlier)
	if all == nil {
		return now
	}
	maps.Copy(all, now)
	return all
}
