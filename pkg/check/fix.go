package check

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// command returns a command line of pgbind in the binding's namespace.
func command(b *inventory.Entry, words ...string) string {
	return report.Command(append(append([]string{"kubectl", "pgbind"}, words...), "-n", b.Namespace)...)
}

// Action is how check --fix runs the fix of a finding.
type Action string

// The actions. A fix without one is for a person: it is a statement for an administrator of the database, or a decision.
const (
	Bind     Action = "bind again"        // with the same spec
	Recreate Action = "create the Secret" // after the present one is deleted
	Restart  Action = "restart the Pods"
	Rotate   Action = "rotate"
	Remove   Action = "remove" // as prune does
)

// Fix is what fixes a finding.
type Fix struct {
	Command string // as a user runs it; empty: there is none
	Action  Action // how check --fix runs it; empty: it does not
	Spec    v1alpha1.BindingSpec
	Change  Change // of the spec
}

// Change is what the spec of a binding lacks.
type Change struct {
	Inject          string
	ConnectionLimit *int32
	CreateDatabase  bool
	CreateSchema    string
}

// Of returns the changed spec.
func (c Change) Of(s v1alpha1.BindingSpec) v1alpha1.BindingSpec {
	s.Inject, s.ConnectionLimit = cmp.Or(c.Inject, s.Inject), cmp.Or(c.ConnectionLimit, s.ConnectionLimit)
	s.CreateDatabase, s.CreateSchema = c.CreateDatabase || s.CreateDatabase, cmp.Or(c.CreateSchema, s.CreateSchema)
	return s
}

// And returns both changes. If they contradict each other, the first one counts.
func (c Change) And(other Change) Change {
	return Change{
		Inject: cmp.Or(c.Inject, other.Inject), ConnectionLimit: cmp.Or(c.ConnectionLimit, other.ConnectionLimit),
		CreateDatabase: c.CreateDatabase || other.CreateDatabase, CreateSchema: cmp.Or(c.CreateSchema, other.CreateSchema),
	}
}

// byHand returns a fix that check --fix does not run.
func byHand(command string) Fix { return Fix{Command: command} }

// rebind returns the fix that binds again with the same spec. It repairs the role, the Secret and the reference.
func rebind(b *inventory.Entry) Fix { return changed(b, Change{}) }

// changed returns the fix that binds again with a changed spec.
func changed(b *inventory.Entry, change Change) Fix {
	spec := b.Marks.BindingSpec
	if expires := b.Marks.ExpiresAt(); !expires.IsZero() { // the role of a new bind would not expire
		spec.Expires = &metav1.Time{Time: expires}
	}
	return Fix{
		Command: command(b, append([]string{b.Marks.Workload}, specFlags(change.Of(spec), b.Namespace)...)...),
		Action:  Bind, Spec: spec, Change: change,
	}
}

// continued returns the fix for a workload that was created again: a bind that names the Secret continues the binding. Whether the new
// workload shall have the access of the old one is a decision.
func (f *facts) continued() Fix {
	spec := f.binding.Marks.BindingSpec
	if expires := f.binding.Marks.ExpiresAt(); !expires.IsZero() {
		spec.Expires = &metav1.Time{Time: expires}
	}
	words := append([]string{f.binding.Marks.Workload, "--secret", f.binding.SecretName}, specFlags(spec, f.binding.Namespace)...)
	return byHand(command(f.binding, words...))
}

// createDatabase returns the fix that creates the database and binds again. If the binding did not request the database, it is not known
// whether an empty one is right: somebody may be restoring it.
func (f *facts) createDatabase() Fix {
	fix := changed(f.binding, Change{CreateDatabase: true})
	if !f.binding.Marks.CreateDatabase {
		fix.Action = ""
	}
	return fix
}

// createSchema returns the fix that creates the schema for the application, or for the administrator if the application must not own it. As
// with a database, only what the binding requested is created without a decision.
func (f *facts) createSchema(name string) Fix {
	if f.binding.AccessRole().Level != postgres.All {
		return byHand(look(f.binding, "CREATE SCHEMA "+postgres.Identifier(name)) + " && " + rebind(f.binding).Command)
	}
	fix := changed(f.binding, Change{CreateSchema: name})
	if f.binding.Marks.CreateSchema != name {
		fix.Action = ""
	}
	return fix
}

// sameExpiry returns the fix for a role that does not expire when the Secret says.
func (f *facts) sameExpiry() Fix {
	expires := f.binding.Marks.ExpiresAt()
	if expires.After(f.now) {
		return rebind(f.binding)
	}
	until := "infinity" // a bind does not lengthen the life of a role that nobody requested to expire
	if !expires.IsZero() {
		until = when(expires)
	}
	return byHand(look(f.binding, "ALTER ROLE "+postgres.Identifier(f.role.Name)+" VALID UNTIL '"+until+"'"))
}

// serverFlags returns the flags that name the server of a spec of a workload in namespace, unless it is the default one.
func serverFlags(s v1alpha1.BindingSpec, namespace string) []string {
	var words []string
	s, defaults := s.WithDefaults(namespace), v1alpha1.BindingSpec{}.WithDefaults(namespace)
	if s.Postgres != defaults.Postgres {
		words = append(words, "--postgres", s.Postgres)
	}
	if s.PostgresNamespace != defaults.PostgresNamespace {
		words = append(words, "--postgres-namespace", s.PostgresNamespace)
	}
	return words
}

// databaseFlags returns the flags that name the binding's database, unless it is the default one.
func databaseFlags(b *inventory.Entry) []string {
	m := b.Marks
	return specFlags(v1alpha1.BindingSpec{Postgres: m.Postgres, PostgresNamespace: m.PostgresNamespace, DBName: m.DBName}, b.Namespace)
}

// specFlags returns the flags that request a spec of a workload in namespace, except for what a bind finds again: the name of the Secret,
// the user name and the password. It omits defaults.
func specFlags(s v1alpha1.BindingSpec, namespace string) []string {
	s, defaults := s.WithDefaults(namespace), v1alpha1.BindingSpec{}.WithDefaults(namespace)
	if s.Postgres != defaults.Postgres || s.CreateDatabase {
		defaults.DBName = "" // the default is the database of the default server only, and a database to create must be named
	}
	port := ""
	if s.Port != 0 {
		port = strconv.Itoa(int(s.Port))
	}
	words := serverFlags(s, namespace)
	for _, flag := range []struct{ name, value, otherwise string }{
		{"--dbname", s.DBName, defaults.DBName},
		{"--database-template", unless(s.DatabaseTemplate, v1alpha1.DefaultDatabaseTemplate), ""}, {"--database-locale", s.DatabaseLocale, ""},
		{"--access", s.Access, defaults.Access}, {"--schema", strings.Join(s.Schemas, ","), strings.Join(defaults.Schemas, ",")},
		{"--create-schema", s.CreateSchema, ""}, {"--extension", strings.Join(s.Extensions, ","), ""},
		{"--extension-schema", unless(s.ExtensionSchema, v1alpha1.DefaultExtensionSchema), ""},
		{"--postgres-container", s.PostgresContainer, ""},
		{"--admin-user", s.AdminUser, defaults.AdminUser}, {"--admin-password-from", s.AdminPasswordFrom, ""},
		{"--host", s.Host, ""}, {"--port", port, ""}, {"--cluster-domain", s.ClusterDomain, ""},
		{"--preset", strings.Join(s.Presets, ","), ""}, {"--key", strings.Join(s.Keys, ","), ""}, {"--sslmode", s.SSLMode, ""}, {"--ca-from", s.CAFrom, ""},
		{"--inject", s.Inject, defaults.Inject}, {"--container", strings.Join(s.Containers, ","), ""},
		{"--owner-container", s.OwnerContainer, ""},
		{"--env-prefix", s.EnvPrefix, ""}, {"--mount-path", s.MountPath, ""}, {"--template-path", s.TemplatePath, ""},
		{"--field-manager", s.FieldManager, defaults.FieldManager},
	} {
		if flag.value != flag.otherwise {
			words = append(words, flag.name, flag.value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Env)) {
		words = append(words, "--env", name+"="+s.Env[name])
	}
	if s.ConnectionLimit != nil {
		words = append(words, "--connection-limit", strconv.Itoa(int(*s.ConnectionLimit)))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Settings)) {
		words = append(words, "--set", name+"="+s.Settings[name])
	}
	if s.Expires != nil {
		words = append(words, "--expires", when(s.Expires.Time))
	}
	if s.CreateDatabase {
		words = append(words, "--create-database")
	}
	if s.NamesFromWorkload {
		words = append(words, "--names-from-workload")
	}
	if s.Isolated {
		words = append(words, "--isolated")
	}
	return words
}

// unless returns a value, or nothing if it is the default.
func unless(value, otherwise string) string {
	if value == otherwise {
		return ""
	}
	return value
}

// recreate returns the fix that deletes the Secret and lets the next bind create it.
func recreate(b *inventory.Entry) Fix {
	fix := rebind(b)
	fix.Action, fix.Command = Recreate, report.Command("kubectl", "delete", "secret", b.SecretName, "-n", b.Namespace)+" && "+fix.Command
	return fix
}

// restart returns the fix that replaces Pods. kubectl rollout restart changes only the template, which is not enough if
// the workload does not replace its Pods itself.
func (f *facts) restart() Fix {
	b := f.binding
	kind, _, _ := strings.Cut(b.Marks.Workload, "/")
	switch {
	case f.isPod: // nothing creates it again
		return byHand(
			report.Command("kubectl", "get", b.Marks.Workload, "-n", b.Namespace, "-o", "yaml") + " | kubectl replace --force -f -",
		)
	case f.pods != workload.Followed && f.pods != workload.ReplacePods:
		return Fix{} // running Pods end by themselves, or somebody holds the rollout back
	case f.pods == workload.Followed && f.rollout != "":
		return byHand(f.rollout)
	case f.pods == workload.Followed && slices.Contains([]string{"deployment.apps", "statefulset.apps", "daemonset.apps"}, kind):
		return Fix{Command: report.Command("kubectl", "rollout", "restart", b.Marks.Workload, "-n", b.Namespace), Action: Restart}
	}
	return Fix{
		Command: report.Command(append(append([]string{"kubectl", "delete", "pod"}, f.stalePods...), "-n", b.Namespace)...),
		Action:  Restart,
	}
}

// prune returns the fix that removes a binding or a role.
func prune(b *inventory.Entry, flags ...string) Fix {
	return Fix{Command: command(b, append([]string{"prune"}, flags...)...), Action: Remove}
}

// look returns the command that runs SQL as the administrator.
func look(b *inventory.Entry, sql string) string {
	words := append(append([]string{"psql", "--admin"}, databaseFlags(b)...), "-n", b.Namespace, "--", "-c", sql)
	return report.Command(append([]string{"kubectl", "pgbind"}, words...)...)
}

// unset returns the command that removes what hides a variable. A ConfigMap or another Secret cannot be removed without knowing its use.
// The variable is the application's, so that its owner decides.
func unset(b *inventory.Entry, h workload.Hidden) Fix {
	if h.By != "env" {
		return byHand(report.Command("kubectl", "edit", b.Marks.Workload, "-n", b.Namespace))
	}
	return byHand(report.Command("kubectl", "set", "env", b.Marks.Workload, "-c", h.Container, "-n", b.Namespace, h.Variable+"-"))
}

func canI(verb, object string, b *inventory.Entry) Fix {
	return byHand(report.Command("kubectl", "auth", "can-i", verb, object, "-n", b.Namespace))
}

// shownInList is the number of entries of a list in a message. Commands contain the rest.
const shownInList = 10

// counted joins a list, of which a long one is cut.
func counted(list []string) string {
	if more := len(list) - shownInList; more > 1 {
		list = append(slices.Clone(list[:shownInList]), strconv.Itoa(more)+" more")
	}
	return strings.Join(list, ", ")
}

func when(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.RFC3339)
}

func because(err error) string {
	if err == nil {
		return ""
	}
	return ": " + strings.Join(strings.Fields(err.Error()), " ")
}
