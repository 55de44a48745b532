//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// reader creates a Deployment with psql that reads its login from nowhere.
func (f *fixture) reader(name string) {
	f.t.Helper()
	f.create(deployment(name, func(pod *corev1.PodSpec) {
		pod.Containers[0].Image, pod.Containers[0].Command = databaseImage, []string{"sleep", "infinity"}
		pod.TerminationGracePeriodSeconds = new(int64)
	}))
	f.rollout("deployment/" + name)
}

const whoAmI = " -XAtc 'SELECT current_database(), session_user'"

// TestPresets uses psql in the application's Pod as the oracle: it gets the login only from what the preset gives it.
func TestPresets(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.admin("CREATE DATABASE \"my shop\"")
	for _, test := range []struct{ name, login string }{
		{"libpq", "psql"},
		{"url", `psql "$DATABASE_URL"`},
		{"node", `psql "${DATABASE_URL%%&uselibpqcompat=true}" && env -u PGSSLMODE psql`},
		{"spring", `psql "${SPRING_DATASOURCE_URL#jdbc:}" -U "$SPRING_DATASOURCE_USERNAME"`},
		{"servicebinding", `psql "$(cat "$SERVICE_BINDING_ROOT"/*/uri)"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := f.in(t)
			f.reader(test.name)
			before := f.deployment(test.name)
			login := strings.ReplaceAll(test.login, "psql", "psql"+whoAmI)
			if test.name == "spring" {
				login = `PGPASSWORD="$SPRING_DATASOURCE_PASSWORD" ` + login
			}

			f.bind("deploy/"+test.name, "--preset="+test.name, "--dbname=my shop", "--secret="+test.name, "--access=readonly")
			first := f.inShell(test.name, login)
			assert.Regexp(t, `^(my shop\|pgb_[a-z2-7]{12}_1\s*)+$`, first)
			assert.Empty(t, f.inShell(test.name, "env | grep ^POSTGRES_ || true"), "a preset replaces the default one")
			assert.Contains(
				t, f.bind("deploy/"+test.name, "--dbname=my shop", "--access=readonly").Stdout,
				"deployment.apps/"+test.name+" unchanged",
			)
			assert.Contains(t, f.run(f.Pgbind("check", "deploy/"+test.name)).Stdout, "OK")

			f.bind("rotate", "deploy/"+test.name)
			assert.Equal(t, strings.ReplaceAll(first, "_1", "_2"), f.inShell(test.name, login))
			assert.Contains(t, f.run(f.Pgbind("check", "deploy/"+test.name)).Stdout, "OK")

			f.bind("unbind", "deploy/"+test.name)
			assert.Equal(t, before.Spec.Template.Spec, f.deployment(test.name).Spec.Template.Spec)
			assert.Empty(
				t,
				f.admin(
					"SELECT rolname FROM pg_roles WHERE rolname = '"+strings.Split(strings.Fields(first)[len(strings.Fields(first))-1], "|")[1]+"'",
				),
			)
		})
	}
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.reader("own-names")
	for args, message := range map[string]string{
		"--env=DSN={{.Passwort}}":          "--env",
		"--env=DSN={{if .CAPath}}x{{end}}": "its value is empty",
		"--env={{.Password}}=x":            "invalid variable name",
		"--env=DSN={{range .Host}}{{end}}": "--env",
		"--preset=symfony":                 "lesson, libpq, url",
		"--preset=cnpg":                    "--inject none",
		"--preset=url,node":                "both have DATABASE_URL",
	} {
		code := 2
		if message == "its value is empty" { // known when the server is
			code = 1
		}
		result := f.run(f.Pgbind("deploy/own-names", args))
		assert.Equal(t, code, result.Code, "%s: %s", args, result.Stderr)
		assert.Contains(t, result.Stderr, message)
	}
	assert.Empty(t, f.boundSecrets(), "nothing is written")

	dsn := `--env=DSN=host={{conninfo .Host}} port={{.Port}} user={{.Username}} password={{conninfo .Password}} dbname={{conninfo .Database}}`
	result := f.bind("deploy/own-names", dsn, "--env=DB_HOST={{.Host}}")
	f.requireNoPassword(result.Stdout + result.Stderr)
	assert.Regexp(t, `^postgres\|pgb_`, f.inShell("own-names", `psql "$DSN"`+whoAmI))
	assert.Equal(t, f.inShell("own-names", "echo $POSTGRES_HOST"), f.inShell("own-names", "echo $DB_HOST"))

	result = f.bind("deploy/own-names", "--preset=url")
	assert.Contains(t, result.Stderr, "kubectl rollout restart deployment.apps/own-names")
	_, err := f.Kubectl("rollout", "restart", "deploy/own-names").Output(f.ctx)
	require.NoError(t, err)
	f.rollout("deployment/own-names")
	assert.Regexp(t, `^postgres\|pgb_`, f.inShell("own-names", `psql "$DATABASE_URL"`+whoAmI))
	assert.Regexp(t, `^postgres\|pgb_`, f.inShell("own-names", `psql "$DSN"`+whoAmI), "templates stay")
	assert.Empty(t, f.inShell("own-names", "env | grep ^POSTGRES_ || true"))

	secret := f.boundSecrets()[0]
	_, err = f.Kubectl("patch", secret, "--type=merge", `--patch={"stringData":{"DATABASE_URL":"postgresql://elsewhere/x"}}`).Output(f.ctx)
	require.NoError(t, err)
	found := f.run(f.Pgbind("check", "deploy/own-names"))
	assert.Equal(t, 1, found.Code)
	assert.Contains(t, found.Stdout, "DATABASE_URL")
}
