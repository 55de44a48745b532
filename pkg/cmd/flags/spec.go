package flags

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/keys"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

// Spec fills the spec of a binding. Its flags have no defaults of their own: BindingSpec.WithDefaults has them, for flags and files alike.
type Spec struct {
	spec    v1alpha1.BindingSpec
	expires string
	env     []string
	set     []string
}

// AddTo adds the flags, in groups.
func (f *Spec) AddTo(flags *pflag.FlagSet) {
	s := &f.spec
	addServerFlags(flags, s, ServerOfNamespace)
	addAdminPasswordFlag(flags, s)
	flags.StringVar(&s.DBName, "dbname", "", "Database that the workload uses (default: the only one that is not postgres, or postgres)")
	flags.BoolVar(&s.CreateDatabase, "create-database", false, "Create the database if it does not exist; its owner is the administrator")
	flags.StringVar(&s.DatabaseTemplate, "database-template", "", "Template of a new database (default: template0)")
	flags.StringVar(&s.DatabaseLocale, "database-locale", "",
		"Locale of a new database, such as en_US.utf8 (default: the locale of the template)")
	flags.StringVar(&s.Host, "host", "", "Host name in the Secret (default: the host name of a Service of the database Pod)")
	flags.Int32Var(&s.Port, "port", 0, "Port of the host (default: the port of the Service)")
	flags.StringVar(&s.ClusterDomain, "cluster-domain", "", "DNS domain of the cluster (default: read from the database Pod)")
	HideRare(flags, "cluster-domain")

	Group(flags, "Server and Database Options")

	flags.StringVar(&s.Access, "access", "", "Access level: all, readwrite or readonly (default: all)")
	flags.StringSliceVar(&s.Schemas, "schema", nil,
		"Schema that the user can access; repeatable (default: the schema of --create-schema, or else public)")
	flags.StringVar(&s.CreateSchema, "create-schema", "", "Schema that the user can access, and that is created if it does not exist; "+
		"its owner is the access role")
	flags.StringSliceVar(&s.Extensions, "extension", nil, "Extension that is created if it does not exist; repeatable")
	flags.StringVar(&s.ExtensionSchema, "extension-schema", "",
		"Schema of new extensions, which is created if it does not exist (default: extensions)")
	flags.BoolVar(&s.Isolated, "isolated", false,
		"Give the binding an access role of its own, so that it shares no objects with other bindings")

	Group(flags, "Access Options")

	flags.StringVar(&s.Username, "username", "", "Name of the user (default: derived from the workload and the database)")
	flags.StringVar(&s.PasswordFrom, "password-from", "", "Password of the user: secret/NAME:KEY in the namespace of the workload, "+
		"or stdin (default: a random password)")
	flags.StringVar(
		&f.expires, "expires", "",
		"When the user's password expires: a time from now such as 30d or 12h, or 2030-12-31T18:00:00Z (default: never)",
	)
	flags.Func(
		"connection-limit",
		"How many connections the user can have at the same time, as a `NUMBER`; -1 for no limit (default: what the user has)",
		func(text string) error { return parseLimit(text, &s.ConnectionLimit) },
	)
	flags.StringArrayVar(
		&f.set,
		"set",
		nil,
		"Parameter with which the user's sessions in the database begin, repeatable: NAME=VALUE, such as "+
			"statement_timeout=5s; NAME= resets it",
	)
	Group(flags, "User Options")
	addRevokePublic(flags)
	f.addSecret(flags)
}

// addRevokePublic adds a flag of earlier versions, which affected every role of the server.
func addRevokePublic(flags *pflag.FlagSet) {
	const name = "revoke-public"
	flags.BoolFunc(name, "Replaced by the command harden", func(string) error {
		return errors.New("run kubectl pgbind harden, which lists what it revokes from PUBLIC and who relies on it")
	})
	flags.Lookup(name).Hidden = true
}

// addSecret adds the flags of the Secret and of its use in the workload.
func (f *Spec) addSecret(flags *pflag.FlagSet) {
	s := &f.spec
	flags.StringVar(&s.Secret, "secret", "", "Name of the Secret (default: the binding's present one, else WORKLOAD-pgbind, or "+
		"WORKLOAD-pgbind-DATABASE for another database; postgresql-secret-2 for the first on pod/postgresql-sfs-0)")
	flags.StringSliceVar(&s.Presets, "preset", nil, "Names that the application reads, repeatable: "+strings.Join(keys.PresetNames(), ", ")+
		" (default: lesson, which is POSTGRES_HOST, POSTGRES_USERNAME and POSTGRES_PASSWORD)")
	flags.StringArrayVar(
		&f.env,
		"env",
		nil,
		"Additional variable, repeatable: NAME=TEMPLATE, a Go template over .Host, .Port, .Database, .Username, "+
			".Password, .SSLMode, .CAPath, .URI and .JDBC, such as DATABASE_URL={{.URI}}",
	)
	flags.BoolVar(&s.NamesFromWorkload, "names-from-workload", false,
		"Keep the names of the application's own variables: replace those that hold its present login")
	flags.StringSliceVar(&s.Keys, "key", nil, "Additional key of the Secret, repeatable: port, database, uri, jdbc or pgpass; "+
		"servicebinding creates a second Secret, NAME-binding, in the form of servicebinding.io")
	flags.StringVar(&s.SSLMode, "sslmode", "", "The sslmode in the URIs (default: require if the server supports TLS, or else disable)")
	flags.StringVar(&s.CAFrom, "ca-from", "",
		"CA certificates of the server, in the namespace of the workload: secret/NAME:KEY or configmap/NAME:KEY")

	Group(flags, "Secret Options")

	flags.StringVar(
		&s.Inject,
		"inject",
		"",
		"How the Pods use the Secret: envFrom, env, volume, or none, which only prints the patch (default: envFrom, or env with --names-from-workload)",
	)
	flags.StringSliceVarP(&s.Containers, "container", "c", nil, "Container that uses the Secret, repeatable; '*' for all "+
		"(default: the container of the default-container annotation, or else the only one)")
	flags.StringVar(
		&s.OwnerContainer,
		"owner-container",
		"",
		"Container, such as an init container, that creates and alters the tables: it gets a second "+
			"binding, at access level all. --access is the level of the others; without it, only this container is bound",
	)
	flags.StringVar(&s.EnvPrefix, "env-prefix", "", "Prefix of the variables' names")
	flags.StringVar(&s.MountPath, "mount-path", "", "Directory in which --inject volume mounts the Secret")
	flags.StringVar(&s.TemplatePath, "template-path", "",
		"Path to the pod template of a kind that pgbind does not know, such as spec.jobTemplate.spec.template")

	Group(flags, "Workload Options")
}

// Complete returns the spec, and where its passwords and certificates come from. Its errors are usage errors.
func (f *Spec) Complete() (v1alpha1.BindingSpec, binding.Sources, error) {
	spec := f.spec
	spec.Access = postgres.LevelName(spec.Access)
	if f.expires != "" {
		expires, err := parseExpiry(f.expires)
		if err != nil {
			return spec, binding.Sources{}, err
		}
		spec.Expires = &metav1.Time{Time: expires}
	}
	var errs []error
	for _, text := range f.env {
		name, template, ok := strings.Cut(text, "=")
		if !ok {
			errs = append(errs, errors.New("--env: use NAME=TEMPLATE, such as DATABASE_URL={{.URI}}"))
			continue
		}
		if _, twice := spec.Env[name]; twice {
			errs = append(errs, fmt.Errorf("--env: variable %s is set twice: remove one of the templates", name))
		}
		if spec.Env == nil {
			spec.Env = map[string]string{}
		}
		spec.Env[name] = template
	}
	for _, text := range f.set {
		name, value, ok := strings.Cut(text, "=")
		if _, twice := spec.Settings[name]; !ok || twice {
			errs = append(errs, fmt.Errorf("--set %s: use NAME=VALUE, once for each parameter", name))
			continue
		}
		if spec.Settings == nil {
			spec.Settings = map[string]string{}
		}
		spec.Settings[name] = value
	}
	for _, err := range binding.Validate(spec) {
		errs = append(errs, fmt.Errorf("%s: %w", flagOf(err.Field), err.Err))
	}
	sources, _ := binding.SourcesOf(spec) // Validate reports its errors
	stdin := secret.Source{Kind: secret.FromStdin}
	if sources.AdminPassword == stdin && sources.Password == stdin {
		errs = append(
			errs,
			errors.New("--admin-password-from and --password-from cannot both read stdin: use secret/NAME:KEY for one of them"),
		)
	}
	// A spec is stored. No later run can read this standard input.
	if sources.AdminPassword == stdin {
		spec.AdminPasswordFrom = ""
	}
	if sources.Password == stdin {
		spec.PasswordFrom = ""
	}
	return spec, sources, errors.Join(errs...)
}

// parseLimit parses a limit of connections.
func parseLimit(text string, limit **int32) error {
	number, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return errors.New("use a number")
	}
	value := int32(number)
	*limit = &value
	return nil
}

// flagOf returns the flag that fills a field: --mount-path for mountPath, and --key for keys, because it is given once for each.
func flagOf(field string) string {
	words := regexp.MustCompile(`[A-Z]`).ReplaceAllStringFunc(field, func(letter string) string { return "-" + strings.ToLower(letter) })
	switch field {
	case "settings":
		words = "set"
	case "keys", "schemas", "extensions", "containers", "presets":
		words = strings.TrimSuffix(words, "s")
	}
	return "--" + words
}
