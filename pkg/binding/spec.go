package binding

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// FieldError is an error about a field of a spec.
type FieldError struct {
	Field string // its name in JSON
	Err   error
}

func (e *FieldError) Error() string { return "spec." + e.Field + ": " + e.Err.Error() }

func (e *FieldError) Unwrap() error { return e.Err }

// Validate returns what is wrong with a spec, whether flags or a file filled it.
func Validate(spec v1alpha1.BindingSpec) []*FieldError {
	found := validateCreation(spec)
	check := func(field string, err error) {
		if err != nil {
			found = append(found, &FieldError{Field: field, Err: err})
		}
	}
	validateLimits(spec, check)
	spec = spec.WithDefaults("")
	_, err := server.RefOf(spec)
	check("postgres", err)
	_, err = postgres.ParseLevel(spec.Access)
	check("access", err)
	validateNames(spec, check)
	if modes := []string{"", "disable", "allow", "prefer", "require", "verify-ca", "verify-full"}; !slices.Contains(modes, spec.SSLMode) {
		check("sslmode", fmt.Errorf("invalid value %q: use disable, allow, prefer, require, verify-ca or verify-full", spec.SSLMode))
	}
	switch workload.Inject(spec.Inject) {
	case workload.InjectEnvFrom, workload.InjectEnv, workload.InjectNone:
		if spec.MountPath != "" {
			check("mountPath", errors.New("it needs inject volume"))
		}
	case workload.InjectVolume:
		if spec.MountPath == "" && !secret.IsServiceBinding(spec) {
			check("inject", errors.New("volume needs a directory: set it with --mount-path, or mountPath in a file"))
		}
	default:
		check("inject", fmt.Errorf("invalid value %q: use envFrom, env, volume or none", spec.Inject))
	}
	check("namesFromWorkload", validateKept(spec))
	check("fieldManager", validation.ValidateFieldManager(spec.FieldManager, field.NewPath("fieldManager")).ToAggregate())
	_, errs := SourcesOf(spec)
	return append(found, errs...)
}

// validateNames checks what gives the keys of the Secret.
func validateNames(spec v1alpha1.BindingSpec, check func(string, error)) {
	for _, only := range []struct {
		field string
		spec  v1alpha1.BindingSpec
	}{
		{"presets", v1alpha1.BindingSpec{Presets: spec.Presets}},
		{"keys", v1alpha1.BindingSpec{Keys: spec.Keys}},
		{"env", v1alpha1.BindingSpec{Presets: spec.Presets, Keys: spec.Keys, Env: spec.Env}},
	} {
		if _, err := secret.Templates(only.spec); err != nil {
			check(only.field, err)
			return
		}
	}
	if spec.Inject == string(workload.InjectEnvFrom) || spec.Inject == string(workload.InjectEnv) {
		check("presets", secret.CheckVariables(spec))
	}
}

// validateCreation returns what is wrong with a spec without defaults: its values, and what it requests to create.
func validateCreation(s v1alpha1.BindingSpec) (found []*FieldError) {
	level := cmp.Or(s.Access, v1alpha1.DefaultAccess)
	for _, rule := range []struct {
		field   string
		broken  bool
		message string
	}{
		{"ownerContainer", s.IsOwner() && len(s.Containers) > 0, "it is the only container of its binding: name the access level of the others, or " +
			"leave out containers"},
		{"ownerContainer", s.OwnerContainer != "" && s.Isolated, "nobody else has access to what an isolated binding owns: leave out isolated"},
		{"createDatabase", s.CreateDatabase && s.DBName == "", "name the database with --dbname, or dbname in a file"},
		{"databaseTemplate", s.DatabaseTemplate != "" && !s.CreateDatabase, "it needs createDatabase"},
		{"databaseLocale", s.DatabaseLocale != "" && !s.CreateDatabase, "it needs createDatabase"},
		{"createSchema", s.CreateSchema != "" && level != string(postgres.All), "its owner can create objects in it, which access level " + level +
			" does not grant: use access level all, or create the schema yourself"},
		{"extensionSchema", s.ExtensionSchema != "" && len(s.Extensions) == 0, "it needs an extension"},
		{"extensionSchema", s.ExtensionSchema != "" && s.ExtensionSchema == s.CreateSchema,
			fmt.Sprintf("the application can create objects in schema %q: use another one for extensions", s.ExtensionSchema)},
		{"extensionSchema", strings.HasPrefix(s.ExtensionSchema, "pg_") || s.ExtensionSchema == "information_schema",
			fmt.Sprintf("schema %q belongs to PostgreSQL: use another one for extensions", s.ExtensionSchema)},
	} {
		if rule.broken {
			found = append(found, &FieldError{Field: rule.field, Err: errors.New(rule.message)})
		}
	}
	return append(found, validateValues(s)...)
}

// validateKept refuses other names if the workload keeps its own.
func validateKept(spec v1alpha1.BindingSpec) error {
	switch {
	case !spec.NamesFromWorkload:
		return nil
	case len(spec.Presets) > 0:
		return errors.New("leave out --preset, or presets in a file: the workload has its own names")
	case spec.EnvPrefix != "":
		return errors.New("leave out --env-prefix, or envPrefix in a file: the workload has its own names")
	case spec.Inject != string(workload.InjectEnv) && spec.Inject != string(workload.InjectNone):
		return errors.New("use --inject env or none, or the same in a file: each name is a variable")
	}
	return nil
}

// Sources are where the Values of a spec come from.
type Sources struct{ AdminPassword, Password, CA secret.Source }

// SourcesOf parses the fields of a spec that name sources.
func SourcesOf(spec v1alpha1.BindingSpec) (s Sources, found []*FieldError) {
	for _, from := range []struct {
		field, text string
		source      *secret.Source
		parse       func(string) (secret.Source, error)
	}{
		{"adminPasswordFrom", spec.AdminPasswordFrom, &s.AdminPassword, secret.ParsePasswordSource},
		{"passwordFrom", spec.PasswordFrom, &s.Password, secret.ParsePasswordSource},
		{"caFrom", spec.CAFrom, &s.CA, secret.ParseCertificateSource},
	} {
		var err error
		if *from.source, err = from.parse(from.text); err != nil {
			found = append(found, &FieldError{Field: from.field, Err: err})
		}
	}
	return s, found
}

// Read reads the values. The administrator's password is in the server's namespace, the others are in the workload's.
func (s Sources) Read(ctx context.Context, reader *secret.Reader, serverNamespace, namespace string) (Values, error) {
	adminPassword, errAdmin := reader.Read(ctx, s.AdminPassword, serverNamespace)
	password, errPassword := reader.Read(ctx, s.Password, namespace)
	ca, errCA := reader.Read(ctx, s.CA, namespace)
	return Values{AdminPassword: adminPassword, Password: password, CA: ca}, errors.Join(errAdmin, errPassword, errCA)
}

// spec returns the item's spec with its defaults.
func (i *Item) spec() v1alpha1.BindingSpec { return i.Spec.WithDefaults(i.namespace()) }

// ref returns the server that the item's spec names.
func (i *Item) ref() server.Ref {
	ref, _ := server.RefOf(i.spec()) // Validate accepts nothing else
	return ref
}

// access returns the access that a spec with defaults requests for the binding with this id.
func access(spec v1alpha1.BindingSpec, id string) postgres.Access {
	access := postgres.Access{Database: spec.DBName, Schemas: spec.Schemas, Level: postgres.Level(spec.Access)}
	if spec.Isolated {
		access.Isolated = id
	}
	return access
}

// keep completes the request with the spec of an earlier bind.
func (p *Plan) keep(earlier v1alpha1.BindingSpec) {
	p.previous = earlier
	if p.options.Exact {
		return
	}
	username := p.spec.Username
	p.merged = p.requested.KeepFrom(earlier)
	p.spec = p.merged.WithDefaults(p.workload.Namespace())
	p.spec.Username = username
}

// creates returns what a spec with defaults requests to create in the database.
func creates(spec v1alpha1.BindingSpec) postgres.Creates {
	c := postgres.Creates{Schema: spec.CreateSchema, Extensions: spec.Extensions, ExtensionSchema: spec.ExtensionSchema}
	if c.Schema != "" || len(c.Extensions) > 0 {
		c.Path = spec.Schemas
	}
	return c
}

// manager returns the field manager of every write.
func (p *Plan) manager() string { return cmp.Or(p.options.FieldManager, p.spec.FieldManager) }

// newDatabase returns the database to create if it does not exist.
func (p *Plan) newDatabase() postgres.NewDatabase {
	return postgres.NewDatabase{
		Name:     p.spec.DBName,
		Template: p.spec.DatabaseTemplate,
		Locale:   p.spec.DatabaseLocale,
		Owner:    p.role.Owner,
	}
}

// stored returns the binding's metadata after this run.
func (p *Plan) stored() secret.Marks {
	marks := p.marks()
	if p.secret.existing == nil {
		return marks
	}
	old, marked := secret.MarksOf(p.secret.existing)
	if !marked {
		marks.Adopted = p.adopted != nil
		return marks
	}
	marks.Run, marks.Rotated = old.Run, old.Rotated
	was, is := old.BindingStatus, &marks.BindingStatus
	is.Host, is.Port, is.SSLMode, is.Adopted = was.Host, was.Port, was.SSLMode, was.Adopted
	if was.FormerLogin != "" { // by now the access role owns more
		is.FormerLogin, is.OwnedBefore = was.FormerLogin, was.OwnedBefore
	}
	if marks.BindingStatus.Expires == nil {
		marks.BindingStatus.Expires = old.BindingStatus.Expires // the role's expiry stays
	}
	return marks
}

// marks returns the metadata for what this run requests. Of the defaults it contains those by which the binding is found; others may
// change later without a change of this binding.
func (p *Plan) marks() secret.Marks {
	spec := p.merged
	spec.Workload, spec.Username = p.workload.String(), p.spec.Username
	spec.FieldManager = cmp.Or(p.options.FieldManager, spec.FieldManager)
	spec.Postgres, spec.PostgresNamespace, spec.DBName = p.server.String(), p.server.Namespace, p.spec.DBName
	spec.Access, spec.Schemas, spec.Settings = p.spec.Access, p.spec.Schemas, p.spec.Settings
	recreated := ""
	if p.recreated {
		recreated = string(p.workload.UID())
	}
	return secret.Marks{
		BindingSpec: spec,
		BindingStatus: v1alpha1.BindingStatus{
			ID: p.role.Owner.ID, Run: p.role.Owner.Run, Role: p.role.Name, Generation: p.secret.generation,
			Location: p.endpoint.Location, Expires: spec.Expires, WorkloadUID: recreated, FormerLogin: p.formerLogin, OwnedBefore: p.owned,
		},
	}
}
