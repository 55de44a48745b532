//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

func TestApplyMakesWhatFilesSay(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	dir := t.TempDir()
	for _, name := range []string{"one", "two", "three"} {
		f.labelled(name)
	}
	file := f.bindings(
		dir, "workload: deployment/one", "workload: deployment/two, access: readonly, inject: env, envPrefix: DB_",
		"workload: deployment/three, keys: [uri], sslmode: prefer, passwordFrom: \"secret/chosen:password\"",
	)
	f.create(
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "chosen"}, Data: map[string][]byte{"password": []byte("Chosen1Chosen2Chosen3")}},
	)

	assert.Equal(t, 1, f.run(f.Pgbind("diff", "-f", file)).Code, "nothing is bound yet")
	result := f.apply(file)
	assert.Len(t, verbsOf(result, "bound"), 3)
	f.requireNoPassword(result.Stdout + result.Stderr)
	for _, secret := range []string{firstSecret, secretOf("two"), secretOf("three")} {
		assert.Equal(t, f.login(secret).Username, f.as(secret, "SELECT session_user"))
	}
	assert.Len(t, verbsOf(f.apply(file), "unchanged"), 3)
	assert.Zero(t, f.run(f.Pgbind("diff", "-f", file)).Code)

	t.Run("an export changes nothing", func(t *testing.T) {
		f := f.in(t)
		export := filepath.Join(dir, "export.yaml")
		text := f.run(f.Pgbind("list", "-o", "yaml")).Stdout
		assert.Contains(t, text, "passwordFrom: secret/chosen:password")
		assert.Contains(t, text, "sslmode: prefer")
		require.NoError(t, os.WriteFile(export, []byte(text), 0o600))
		diff := f.run(f.Pgbind("diff", "-f", export))
		assert.Zero(t, diff.Code, diff.Stdout)
		assert.Len(t, verbsOf(f.apply(export), "unchanged"), 3)
	})
	t.Run("a failure does not stop other bindings", func(t *testing.T) {
		f := f.in(t)
		changed := f.bindings(
			dir, "workload: deployment/one, access: readonly", "workload: deployment/gone",
			"workload: deployment/three, postgres: pod/gone-0, dbname: other", "workload: deployment/two",
		)
		result := f.run(f.Pgbind("apply", "-f", changed, "--wait=false"))
		assert.Equal(t, 1, result.Code)
		assert.Len(t, verbsOf(result, "configured"), 2)
		assert.Contains(t, result.Stderr, "2 failed")
		two, err := f.Client.AppsV1().Deployments(f.Name).Get(f.ctx, "two", metav1.GetOptions{})
		require.NoError(t, err)
		assert.Empty(t, two.Spec.Template.Spec.Containers[0].Env, "the other form gave way")
		assert.Len(t, two.Spec.Template.Spec.Containers[0].EnvFrom, 1)
	})
	t.Run("prune removes what no file contains", func(t *testing.T) {
		f := f.in(t)
		rest := f.bindings(dir, "workload: deployment/one, access: readonly")
		refused := f.run(f.Pgbind("apply", "-f", rest, "--wait=false", "--prune", "-l", "name=three"))
		assert.Equal(t, 1, refused.Code)
		assert.Contains(t, refused.Stderr, "deployment/three")
		f.apply(rest, "--prune", "-l", "name=three", "--yes")
		left := f.run(f.Pgbind("list", "-o", "name")).Stdout
		assert.Len(t, lines(left), 2, left)
	})
}

// TestPruneGoesToTheContainerThatWasChosen has a Pod with two similar containers. Only the binding records which one is its server.
func TestPruneGoesToTheContainerThatWasChosen(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	f.create(passwordSecret())
	f.startPostgres(postgresPod("pg", databaseImage, nil, func(pod *corev1.Pod) {
		pod.Spec.Containers[0].Ports = nil
		pod.Spec.Containers = append(
			pod.Spec.Containers,
			corev1.Container{Name: "other", Image: databaseImage, Command: []string{"sleep", "infinity"}},
		)
	}))
	f.labelled("stays")
	f.labelled("goes")
	binding := func(name string) string {
		return "workload: deployment/" + name + ", postgres: pod/pg, postgresContainer: database"
	}
	dir := t.TempDir()
	f.apply(f.bindings(dir, binding("stays"), binding("goes")))
	f.apply(f.bindings(dir, binding("stays")), "--prune", "-l", "name=goes", "--yes")
	assert.Len(t, f.boundSecrets(), 1)
	assert.Empty(t, f.references("goes"))
}

// TestApplyChangesWorkloadsLast reads the order of requests in the trace. With so few bindings, an exec has 25 of them at most.
func TestApplyChangesWorkloadsLast(t *testing.T) {
	t.Parallel()
	const number = 60
	f := newLesson(t, harness.WithoutClaim)
	result := f.apply(f.bindings(t.TempDir(), f.manyLabelled(number)...), "-v=6")
	assert.Len(t, verbsOf(result, "bound"), number)
	trace := lines(result.Stderr)
	execs, patches, early := 0, 0, 0
	for _, line := range trace {
		switch {
		case strings.Contains(line, " exec in pod/"):
			execs, early = execs+1, patches
		// otherwise its controller was faster, and the patch is repeated
		case strings.Contains(line, "PATCH /apis/apps/v1/") && strings.Contains(line, " 200 OK "):
			patches++
		}
	}
	assert.GreaterOrEqual(t, execs, 3, "several execs have the bindings")
	assert.Equal(t, number+1, patches, "one is tried before")
	assert.Equal(t, 1, early, "before the last exec has ended, none but the trial")
}

func TestApplyRefusesBeforeItBegins(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	file := f.bindings(t.TempDir(), "workload: deployment/one", "workload: deployment/two, acces: all")
	for _, command := range []struct {
		name string
		code int
	}{{"apply", 1}, {"diff", 2}} {
		result := f.run(f.Pgbind(command.name, "-f", file))
		assert.Equal(t, command.code, result.Code)
		assert.Contains(t, result.Stderr, file+":8: spec.acces: unknown field")
		assert.Empty(t, result.Stdout)
	}
}

// labelled makes a Deployment that runs no Pods and can be selected by its name.
func (f *fixture) labelled(name string) {
	f.t.Helper()
	labels, replicas := map[string]string{"name": name}, int32(0)
	_, err := f.Client.AppsV1().Deployments(f.Name).Create(f.ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "postgres:15"}}},
			},
		},
	}, metav1.CreateOptions{})
	require.NoError(f.t, err)
}

// manyLabelled creates n Deployments without Pods, and returns the specs of their bindings.
func (f *fixture) manyLabelled(number int) []string {
	f.t.Helper()
	var specs []string
	for i := range number {
		name := fmt.Sprintf("app-%02d", i)
		f.labelled(name)
		specs = append(specs, "workload: deployment/"+name)
	}
	return specs
}

// bindings writes a file with a binding for each spec.
func (f *fixture) bindings(dir string, specs ...string) string {
	f.t.Helper()
	var text strings.Builder
	for _, spec := range specs {
		fmt.Fprintf(&text, "---\napiVersion: pgbind.dev/v1alpha1\nkind: Binding\nspec: {%s}\n", spec)
	}
	file := filepath.Join(dir, "bindings.yaml")
	require.NoError(f.t, os.WriteFile(file, []byte(text.String()), 0o600))
	return file
}

// apply applies a file, which must succeed.
func (f *fixture) apply(file string, args ...string) harness.Result {
	f.t.Helper()
	result := f.run(f.Pgbind(append([]string{"apply", "-f", file, "--wait=false"}, args...)...))
	require.Zero(f.t, result.Code, "stdout: %s\nstderr: %s", result.Stdout, result.Stderr)
	return result
}

// verbsOf picks the result lines with a verb.
func verbsOf(result harness.Result, verb string) []string {
	return slices.DeleteFunc(lines(result.Stdout), func(line string) bool { return !strings.Contains(line, " "+verb+" ") })
}
