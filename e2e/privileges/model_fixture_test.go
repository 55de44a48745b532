//go:build e2e

package privileges

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

//go:embed model/*.sql
var modelSQL embed.FS

// The names of the generated database. They break quoting where they can.
const (
	modelDatabase = "model"
	ownerRole     = `Own"er; --'x`
	oddSchema     = `we"ird; Sch'ema`
	laterPrefix   = "later "
)

// bound is one binding of the generated database.
type bound struct {
	name    string
	level   string
	schemas []string
	alone   bool // --isolated
	login   harness.Login
	access  string // its access role
}

// generated is the generated database and its bindings.
type generated struct {
	*server
	tried   *totals         // of the present state
	covered bool            // whether a bind came after the newcomer's first object
	former  map[string]bool // names of login roles that were replaced or dropped
	all     []*bound
	large   int // the next large object
}

// counts is what one test compared.
type totals struct {
	objects, privileges, attempts int
}

func (g *generated) in(t *testing.T) *generated {
	t.Helper()
	in, of := *g, *g.server
	in.server, of.t, of.ctx = &of, t, g.ctx
	return &in
}

func script(t *testing.T, name string) string {
	t.Helper()
	text, err := modelSQL.ReadFile("model/" + name + ".sql")
	require.NoError(t, err)
	return string(text)
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// newGenerated creates the database, without a binding.
func newGenerated(t *testing.T, version string) *generated {
	t.Helper()
	g := &generated{server: newServer(t, version), tried: &totals{}, former: map[string]bool{}, large: 70000}
	g.admin("postgres", script(t, "database"))
	g.admin(modelDatabase, g.fill("shop", `su";'`, "objects", "super")+
		g.fill(oddSchema, `su"`, "objects", "super")+g.fill("hidden", "su", "objects")+g.fill("open", "su", "objects"))
	g.admin(modelDatabase, `SET ROLE "model super";`+g.fill("shop", "s2", "objects"))
	asOwner := "SET ROLE " + quoted(ownerRole) + ";"
	g.admin(modelDatabase, asOwner+g.fill("shop", "o\n$x$", "objects")+g.fill(oddSchema, "o%s", "objects")+g.fill("hidden", "o", "objects"))
	g.admin(modelDatabase, asOwner+`CREATE VIEW shop."o reads" AS SELECT id, val FROM hidden."o table"`)
	g.admin(modelDatabase, "ALTER EXTENSION citext ADD SCHEMA ext_owned")
	return g
}

// fill is the text of the scripts of these names for a schema and a prefix of names, written for psql.
func (g *generated) fill(schema, prefix string, scripts ...string) string {
	g.t.Helper()
	var text strings.Builder
	for _, name := range scripts {
		g.large += 2
		replacer := strings.NewReplacer("{s}", quoted(schema), "{p}", strings.ReplaceAll(prefix, `"`, `""`), "{n1}", fmt.Sprint(g.large+1),
			"{n}", fmt.Sprint(g.large))
		text.WriteString(replacer.Replace(script(g.t, name)))
	}
	return text.String()
}

// bind creates the binding of b, or changes it to b's level, and reads its login.
func (g *generated) bind(b *bound) {
	g.t.Helper()
	args := []string{"deployment/" + b.name, "--postgres=pod/" + lesson.DatabasePod, "--dbname=" + modelDatabase, "--access=" + b.level,
		"--secret=" + b.name, "--wait=false"}
	for _, schema := range b.schemas {
		args = append(args, "--schema="+quoted(schema)) // the flag reads its value as CSV
	}
	if b.alone {
		args = append(args, "--isolated", "--force")
	}
	result := g.pgbind(args...)
	g.read(b)
	shown := strings.Contains(result.Stdout+result.Stderr, b.login.Password) // an assertion on the text would print it
	require.False(g.t, shown, "the bind of %s shows its password", b.name)
}

// read reads the login of a binding from its Secret, and its access role from the server.
func (g *generated) read(b *bound) {
	g.t.Helper()
	login, err := g.Login(g.ctx, b.name)
	require.NoError(g.t, err)
	if b.login.Username != "" && b.login.Username != login.Username {
		g.former[b.login.Username] = true
	}
	delete(g.former, login.Username)
	b.login = login
	b.access = g.admin(
		modelDatabase,
		"SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles l ON l.oid = m.member WHERE l.rolname = "+literal(
			login.Username,
		),
	)
	require.NotEmpty(g.t, b.access, "the access role of %s", b.name)
	require.NotContains(g.t, b.access, "\n", "%s has one access role", b.name)
}

// idle creates a Deployment without Pods.
func (g *generated) idle(name string) {
	g.t.Helper()
	labels, replicas := map[string]string{"name": name}, int32(0)
	_, err := g.Client.AppsV1().Deployments(g.Name).Create(g.ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "postgres:15"}}},
			},
		},
	}, metav1.CreateOptions{})
	require.NoError(g.t, err)
}

// creates runs a script as a binding's application. No statement may fail.
func (g *generated) creates(b *bound, script string) {
	g.t.Helper()
	result := g.as(b.login, modelDatabase, script)
	require.NotContains(g.t, result.Stderr, "ERROR", "%s makes objects", b.name)
	require.Zero(g.t, result.Code, result.Stderr)
}

// model is what the binding b may use of the objects of a matrix.
func (g *generated) model(b *bound, matrix []string) *model {
	g.t.Helper()
	m := &model{level: b.level, schemas: b.schemas, index: map[string]*object{}, objects: make([]object, len(matrix)),
		parties: map[string]party{
			"postgres": superuser, "model super": superuser, ownerRole: plainOwner, "newcomer": newcomer, "pg_database_owner": superuser,
		}}
	if g.covered {
		m.parties["newcomer"] = plainOwner
	}
	for _, other := range g.all {
		owner := sharing
		if other.alone {
			owner = isolated
		}
		maps.Copy(m.parties, map[string]party{other.login.Username: owner, other.access: owner})
	}
	if b.level == "all" {
		m.parties[b.login.Username], m.parties[b.access] = self, self
	}
	for i, row := range matrix {
		o := &m.objects[i]
		require.NoError(g.t, json.Unmarshal([]byte(row), o), row)
		key := o.Ident
		if o.Kind == "schema" {
			key = schemaKey(o.Schema)
		}
		if o.Kind == "schema" || isRelation(o.Kind) {
			m.index[key] = o
		}
		require.NotZero(g.t, m.parties[o.Owner], "the owner %q of the %s %q is unknown", o.Owner, o.Kind, o.Ident)
	}
	return m
}

// facts are the lines that the scripts of this package print about the login of b, for each script.
func (g *generated) facts(b *bound) map[string][]string {
	g.t.Helper()
	tables := "{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}"
	if g.version >= "17" {
		tables = "{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER,MAINTAIN}"
	}
	var text strings.Builder
	fmt.Fprintf(&text, "\\set login %s\n\\set tables %s\n", literal(b.login.Username), tables)
	for _, name := range []string{"matrix", "roles", "system", "parameters", "defaults"} {
		fmt.Fprintf(&text, "\\echo script %s\n%s\n", name, script(g.t, name))
	}
	found, name := map[string][]string{}, ""
	for line := range strings.Lines(g.admin(modelDatabase, text.String())) {
		line = strings.TrimSuffix(line, "\n")
		if next, is := strings.CutPrefix(line, "script "); is {
			name = next
			continue
		}
		found[name] = append(found[name], line)
	}
	return found
}

// expectNone fails with the lines, 20 at most.
func expectNone(t *testing.T, what string, lines []string) {
	t.Helper()
	if len(lines) > 0 {
		t.Errorf("%s: %d differences\n%s", what, len(lines), strings.Join(lines[:min(len(lines), 20)], "\n"))
	}
}
