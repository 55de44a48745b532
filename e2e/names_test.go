//go:build e2e

package e2e

import (
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
)

// fragments mean something to SQL, psql, a shell, YAML, JSON, a connection string, a URI, a terminal or a person.
func fragments() []string {
	return []string{
		"'",
		`"`,
		`\`,
		"''",
		`""`,
		`\'`,
		`\"`,
		"$$",
		"$(id)",
		"`id`",
		"; DROP ROLE postgres; --",
		"'; ALTER ROLE postgres NOLOGIN; --",
		`"; ALTER ROLE postgres NOLOGIN; --`,
		":x",
		":'role'",
		`:"role"`,
		":{?role}",
		`\gset`,
		`\! id`,
		`\connect x`,
		"/* x",
		"%s%n",
		"%00",
		"{{.}}",
		"${HOME}",
		"*",
		"?",
		"[a]",
		"{a: b}",
		"# c",
		"- x",
		"!!str x",
		"&a",
		"|",
		">",
		"a b",
		" ",
		"=",
		"host=evil",
		"dbname=x user=y",
		"postgresql://evil/x",
		"/",
		"..",
		"@",
		",",
		"+",
		"ü",
		"中文",
		"🐘",
		"e\u0301",
		"\u202e",
		"\u200b",
		"NULL",
		"true",
		"1e3",
		"0x10",
		"~",
		"-U",
		"--",
		"PUBLIC",
		"Group",
		"user",
		"select",
		"\t",
		"\n",
		"\r\n",
		"\x1b[31m",
	}
}

// hostileNames returns n names of at most 63 bytes, as different as the fragments allow.
func hostileNames(count int) []string {
	var names []string
	for _, dress := range []func(string) string{
		func(f string) string { return "x" + f },
		func(f string) string { return f + "x" },
		func(f string) string { return f },
		func(f string) string { return strings.Repeat(f, 63/len(f)) },
	} {
		for _, fragment := range fragments() {
			if name := dress(fragment); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	chosen := make([]string, count)
	for i := range chosen {
		chosen[i] = names[i*len(names)/count]
	}
	return chosen
}

// hostileBinding is a binding in which everything has a hostile name.
type hostileBinding struct {
	workload, name, role, password string
}

// TestHostileNames creates, rotates and removes bindings with hostile names and passwords for roles, databases and schemas.
// PGBIND_NAMES is their number, 24 by default.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	count := 24
	if text := os.Getenv("PGBIND_NAMES"); text != "" {
		var err error
		count, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	start, f := time.Now(), newDatabase(t)
	bindings := f.hostileBindings(hostileNames(count))
	before := f.admin(rolesBefore)
	file := f.hostileFile(bindings)

	applied := f.run(f.Pgbind("apply", "--filename=-", "--wait=false").Stdin(file))
	require.Zero(t, applied.Code, applied.Stderr)
	f.requireNoPassword(applied.Stdout + applied.Stderr)
	assert.NotContains(t, applied.Stdout+applied.Stderr, "\x1b")
	f.logIn(bindings, func(b hostileBinding) string { return b.role })
	same := f.run(f.Pgbind("diff", "--filename=-").Stdin(file))
	assert.Zero(t, same.Code, same.Stdout+same.Stderr)
	f.check(0)

	f.bind("rotate", "--all")
	f.logIn(bindings, func(hostileBinding) string { return "" })
	args := []string{"unbind", "--purge"}
	for _, b := range bindings {
		args = append(args, "deployment/"+b.workload)
	}
	f.bind(args...)
	assert.Equal(t, before, f.admin(rolesBefore), "no role is left, and none has changed")
	assert.Empty(t, f.boundSecrets())
	assert.Equal(
		t, strconv.Itoa(len(bindings)),
		f.admin("SELECT count(*) FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1', 'hostile')"),
	)
	t.Logf(
		"%d hostile names, each of a role, a database and a schema, with %d hostile passwords: bound, rotated and unbound in %s",
		count, count, time.Since(start).Round(time.Second),
	)
}

const rolesBefore = "SELECT json_agg(r ORDER BY oid) FROM (SELECT a.*, shobj_description(oid, 'pg_authid') FROM pg_authid a) r"

// hostileBindings creates a database, a schema and a workload for each name.
func (f *fixture) hostileBindings(names []string) []hostileBinding {
	f.t.Helper()
	identifier := func(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
	var schemas, databases strings.Builder
	var bindings []hostileBinding
	passwords := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "passwords"}, StringData: map[string]string{}}
	for i, name := range names {
		require.True(f.t, utf8.ValidString(name) && len(name) <= 63)
		b := hostileBinding{workload: workloadNumber(i), name: name, role: name, password: strings.ToValidUTF8(name, "") + strconv.Itoa(i)}
		if postgres.CheckRoleName(b.role) != nil {
			b.role = fmt.Sprintf("role %d", i)
		}
		if postgres.CheckPassword(b.password) != nil {
			b.password = fmt.Sprintf(" %d' \" ", i)
		}
		passwords.StringData[b.workload] = b.password
		fmt.Fprintf(&schemas, "CREATE SCHEMA %s;\n", identifier(name))
		fmt.Fprintf(&databases, "CREATE DATABASE %s TEMPLATE hostile STRATEGY FILE_COPY;\n", identifier(name))
		_, err := f.Client.AppsV1().Deployments(f.Name).Create(f.ctx, small(deployment(b.workload, nil)), metav1.CreateOptions{})
		require.NoError(f.t, err)
		bindings = append(bindings, b)
	}
	f.create(passwords)
	f.admin("CREATE DATABASE hostile;\n\\connect hostile\n" + schemas.String() + "\\connect postgres\n" + databases.String())
	return bindings
}

// hostileFile is the bindings as a file.
func (f *fixture) hostileFile(bindings []hostileBinding) string {
	f.t.Helper()
	var file strings.Builder
	for i, b := range bindings {
		text, err := yaml.Marshal(v1alpha1.Binding{
			TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.Kind},
			Spec: v1alpha1.BindingSpec{
				Workload: "deployment/" + b.workload, DBName: b.name, Schemas: []string{b.name}, Secret: b.workload,
				Access:       []string{"all", "readwrite", "readonly"}[i%3],
				PasswordFrom: "secret/passwords:" + b.workload, Username: b.role, Keys: []string{"uri", "jdbc", "pgpass"},
			},
		})
		require.NoError(f.t, err)
		file.WriteString("---\n" + string(text))
	}
	return file.String()
}

// logIn logs in with the URI of every Secret, and requires the role, if one is given, in the database of that name.
func (f *fixture) logIn(bindings []hostileBinding, role func(hostileBinding) string) {
	f.t.Helper()
	var uris strings.Builder
	for _, b := range bindings {
		uris.Write(f.secret(b.workload).Data["POSTGRES_URI"])
		uris.WriteString("\n")
	}
	const script = `while IFS= read -r uri; do psql --no-psqlrc --quiet --no-align --tuples-only --dbname="$uri" </dev/null --command="
		SELECT encode(convert_to(session_user::text, 'UTF8'), 'hex'), encode(convert_to(current_database()::text, 'UTF8'), 'hex')"; done`
	rows, err := f.Kubectl("exec", "--stdin", lesson.DatabasePod, "--", "sh", "-c", script).Stdin(uris.String()).Output(f.ctx)
	require.NoError(f.t, err)
	require.Len(f.t, lines(rows), len(bindings))
	for i, row := range lines(rows) {
		user, database, _ := strings.Cut(row, "|")
		assert.Equal(f.t, hex.EncodeToString([]byte(bindings[i].name)), database)
		if want := role(bindings[i]); want != "" {
			assert.Equal(f.t, hex.EncodeToString([]byte(want)), user, "%q", want)
		}
	}
}
