//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// reconciliations is how often a tool applies an unchanged manifest after each change.
const reconciliations = 3

// tool applies the manifest of the application, as it does in one reconciliation.
type tool struct {
	apply func(f *fixture, manifest string)
	// empties means that an empty envFrom in the manifest removes the entries of others. A tool that uses server-side
	// apply does not send it.
	empties bool
}

// newGitOps deploys the lesson without its application, which a tool installs.
func newGitOps(t *testing.T) *fixture {
	t.Helper()
	f := newDatabase(t)
	f.delete("deployment", lesson.Application)
	f.admin(lesson.CompanySQL())
	f.create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "settings"}, Data: map[string]string{"COLOUR": "green"}})
	return f
}

func (f *fixture) helm3(manifest string) { f.helm("helm3", manifest) }

// helm4 takes the fields of other managers, so that what the manifest says counts.
func (f *fixture) helm4(manifest string) { f.helm("helm4", manifest, "--force-conflicts") }

// helm installs or upgrades a chart that contains the manifest.
func (f *fixture) helm(program, manifest string, args ...string) {
	f.t.Helper()
	chart := filepath.Join(f.t.TempDir(), "chart")
	require.NoError(f.t, os.MkdirAll(filepath.Join(chart, "templates"), 0o700))
	for name, text := range map[string]string{
		"Chart.yaml":         "apiVersion: v2\nname: app\nversion: 1.0.0\n",
		"templates/app.yaml": manifest,
	} {
		require.NoError(f.t, os.WriteFile(filepath.Join(chart, name), []byte(text), 0o600))
	}
	_, err := f.Tool(program, append([]string{"upgrade", "--install", "app", chart, "--namespace=" + f.Name}, args...)...).Output(f.ctx)
	require.NoError(f.t, err)
}

func (f *fixture) flux(manifest string) {
	f.t.Helper()
	_, err := f.Tool("fluxapply", "app", f.Name).Stdin(manifest).Output(f.ctx)
	require.NoError(f.t, err)
}

// argo returns what synchronizes in one of Argo CD's modes.
func argo(mode string) func(*fixture, string) {
	return func(f *fixture, manifest string) {
		f.t.Helper()
		_, err := f.Tool("argosync", mode, f.Name).Stdin(manifest).Output(f.ctx)
		require.NoError(f.t, err)
	}
}

// appManifest returns the manifest of the lesson's application with these fields in its container.
func (f *fixture) appManifest(fields map[string]any) string {
	f.t.Helper()
	objects, err := lesson.Objects(f.Name)
	require.NoError(f.t, err)
	for _, o := range objects {
		if o.GetKind() != "Deployment" {
			continue
		}
		path := []string{"spec", "template", "spec", "containers"}
		containers, _, err := unstructured.NestedSlice(o.Object, path...)
		require.NoError(f.t, err)
		for name, value := range fields {
			containers[0].(map[string]any)[name] = value
		}
		require.NoError(f.t, unstructured.SetNestedSlice(o.Object, containers, path...))
		text, err := json.Marshal(o)
		require.NoError(f.t, err)
		return string(text)
	}
	require.Fail(f.t, "the lesson has no application")
	return ""
}

// source is an entry of envFrom in a manifest.
func source(kind, name string) []any {
	return []any{map[string]any{kind: map[string]any{"name": name}}}
}

// testTool binds an application that the tool applies again and again.
func (f *fixture) testTool(with tool) {
	f.t.Helper()
	with.apply(f, f.appManifest(nil))
	f.rollout(application)
	for _, part := range []struct {
		name string
		test func(*fixture, tool)
	}{
		{"bind, rotate, unbind", (*fixture).testReconciled},
		{"a variable in the manifest hides the binding's", (*fixture).testManifestHides},
		{"an empty envFrom in the manifest", (*fixture).testManifestEmpties},
		{"another envFrom in the manifest", (*fixture).testManifestReplaces},
		{"the entry in the manifest", (*fixture).testEntryInManifest},
	} {
		if !f.t.Run(part.name, func(t *testing.T) { part.test(f.in(t), with) }) {
			return
		}
	}
}

func (f *fixture) testReconciled(with tool) {
	plain := f.appManifest(nil)
	f.bind(application)
	f.requireUsable(firstSecret)
	pods := f.pods("postgresql-app")
	f.requireServed(func() {
		for range reconciliations {
			with.apply(f, plain)
			f.requireUsable(firstSecret)
		}
		assert.Equal(f.t, pods, f.pods("postgresql-app"), "no Pod is replaced")
		former := f.login(firstSecret)
		f.bind("rotate", application, "--grace=1s")
		assert.NotEqual(f.t, former.Username, f.login(firstSecret).Username)
		f.requireUsable(firstSecret)
		with.apply(f, plain)
		f.requireUsable(firstSecret)
	})
	f.unbound(with)
}

// unbound unbinds the application, and requires that a reconciliation restores nothing.
func (f *fixture) unbound(with tool) {
	f.t.Helper()
	f.bind("unbind", application, "--grace=1s")
	with.apply(f, f.appManifest(nil))
	f.rollout(application)
	template := f.application().Spec.Template
	assert.Empty(f.t, template.Spec.Containers[0].EnvFrom)
	assert.Empty(f.t, template.Spec.Containers[0].Env)
	assert.Empty(f.t, f.loginRoles())
	_, err := f.Kubectl("get", "secret", firstSecret).Output(f.ctx)
	require.ErrorContains(f.t, err, "NotFound")
}

// requireServed requires that no page of the application reports an error of the database while do runs. A request can fail in another way
// while Kubernetes replaces a Pod.
func (f *fixture) requireServed(do func()) {
	f.t.Helper()
	result := f.underLoad(do)
	assert.Greater(f.t, result.sent, 20, "there was a load")
	for _, page := range result.failed {
		assert.NotContains(f.t, page, "Simple PostgreSQL Web App", "the application has no database")
	}
}

// requireUsable requires that the application uses the Secret and reaches its database, and that check finds nothing.
func (f *fixture) requireUsable(secret string) {
	f.t.Helper()
	f.rollout(application)
	assert.Equal(f.t, []corev1.EnvFromSource{envFrom(secret)}, f.application().Spec.Template.Spec.Containers[0].EnvFrom)
	assert.Equal(f.t, "1", f.as(secret, "SELECT 1"))
	require.NoError(f.t, f.WaitForPage(f.ctx, lesson.Page))
	f.requireHealthy()
}

// testManifestHides has a variable in the manifest that the Secret has too.
func (f *fixture) testManifestHides(with tool) {
	f.bind(application)
	before := f.login(firstSecret)
	with.apply(f, f.appManifest(map[string]any{"env": []any{map[string]any{"name": "POSTGRES_HOST", "value": "elsewhere"}}}))
	require.Equal(f.t, "elsewhere", f.application().Spec.Template.Spec.Containers[0].Env[0].Value)

	assert.Contains(f.t, reasons(f.check(1)), "Hidden")
	result := f.run(f.Pgbind("rotate", application))
	assert.Equal(f.t, 1, result.Code)
	assert.Contains(f.t, result.Stderr, "POSTGRES_HOST")
	assert.Equal(f.t, before, f.login(firstSecret), "the rotation has not begun")

	with.apply(f, f.appManifest(nil))
	f.requireUsable(firstSecret)
	f.unbound(with)
}

// testManifestEmpties requires that check agrees with the pod template, whatever the tool does with an empty list.
func (f *fixture) testManifestEmpties(with tool) {
	f.bind(application)
	with.apply(f, f.appManifest(map[string]any{"envFrom": []any{}}))
	if len(f.application().Spec.Template.Spec.Containers[0].EnvFrom) > 0 {
		assert.False(f.t, with.empties, "the tool keeps the entry")
		f.requireUsable(firstSecret)
	} else {
		f.requireRemoved()
		with.apply(f, f.appManifest(nil))
		f.bind(application)
		f.requireUsable(firstSecret)
	}
	with.apply(f, f.appManifest(nil))
	f.requireUsable(firstSecret)
	f.unbound(with)
}

// requireRemoved requires that check and list report a reference that a tool has removed.
func (f *fixture) requireRemoved() {
	f.t.Helper()
	assert.Contains(f.t, reasons(f.check(1)), "Unreferenced")
	assert.Contains(f.t, f.run(f.Pgbind("list")).Stdout, "Unreferenced")
}

// testManifestReplaces has an envFrom in the manifest, and runs the fix that check prints.
func (f *fixture) testManifestReplaces(with tool) {
	f.bind(application)
	other := f.appManifest(map[string]any{"envFrom": source("configMapRef", "settings")})
	with.apply(f, other)
	require.Len(f.t, f.application().Spec.Template.Spec.Containers[0].EnvFrom, 1)
	require.NotNil(f.t, f.application().Spec.Template.Spec.Containers[0].EnvFrom[0].ConfigMapRef)
	f.requireRemoved()
	refused := f.run(f.Pgbind(application))
	assert.Equal(f.t, 1, refused.Code, "the tool would remove it again")
	assert.Contains(f.t, refused.Stderr, "--inject none")

	f.obey(f.check(1)[0].Fix)
	password := fromSecret("POSTGRES_PASSWORD")
	password.ValueFrom.SecretKeyRef.Name = firstSecret
	for range reconciliations {
		f.rollout(application)
		assert.Contains(f.t, f.application().Spec.Template.Spec.Containers[0].Env, password)
		require.NoError(f.t, f.WaitForPage(f.ctx, lesson.Page))
		f.requireHealthy()
		with.apply(f, other)
	}
	f.unbound(with)
}

// testEntryInManifest is the way that the documents describe: the entry is in Git.
func (f *fixture) testEntryInManifest(with tool) {
	const name = "web-database"
	printed := f.bind(application, "--inject=none", "--secret="+name)
	assert.Contains(f.t, printed.Stdout, "secretRef:")
	assert.NotContains(f.t, printed.Stdout, "generation", "nothing that a rotation changes belongs into Git")
	entry := f.appManifest(map[string]any{"envFrom": source("secretRef", name)})
	with.apply(f, entry)
	f.requireUsable(name)
	f.bind("rotate", application, "--grace=1s")
	for range reconciliations {
		with.apply(f, entry)
		f.requireUsable(name)
	}
	roles := f.roles()
	refused := f.run(f.Pgbind("unbind", application))
	assert.Equal(f.t, 1, refused.Code)
	assert.Contains(f.t, refused.Stderr, "remove the reference from the manifest")
	assert.Equal(f.t, roles, f.roles())
	f.requireUsable(name)

	with.apply(f, f.appManifest(nil))
	f.rollout(application)
	require.Empty(f.t, f.application().Spec.Template.Spec.Containers[0].EnvFrom)
	f.bind("unbind", application, "--grace=1s")
	assert.Empty(f.t, f.loginRoles())
}

// testDisowned binds with managers whose fields Flux removes.
func (f *fixture) testDisowned(apply func(*fixture, string)) {
	refused := f.run(f.Pgbind(application, "--field-manager=kubectl-ci"))
	assert.Equal(f.t, 1, refused.Code)
	assert.Contains(f.t, refused.Stderr, "begins with kubectl")
	assert.Empty(f.t, f.loginRoles())

	f.bindOld(application)
	assert.Contains(f.t, reasons(f.check(1)), "NotLasting", "Flux removes what kubectl-pgbind wrote")
	apply(f, f.appManifest(nil))
	require.Empty(f.t, f.application().Spec.Template.Spec.Containers[0].EnvFrom)
	f.requireRemoved()

	f.bindOld(application)
	assert.Contains(f.t, reasons(f.check(1)), "NotLasting")
	f.bind(application)
	for range reconciliations {
		apply(f, f.appManifest(nil))
		f.requireUsable(firstSecret)
	}
}

// testReplace synchronizes with kubectl replace, which removes everything that the manifest does not have.
func (f *fixture) testReplace() {
	sync := argo("replace")
	sync(f, f.appManifest(nil))
	f.rollout(application)
	f.bind(application)
	before := f.login(firstSecret)
	sync(f, f.appManifest(nil))
	require.Empty(f.t, f.application().Spec.Template.Spec.Containers[0].EnvFrom)
	f.requireRemoved()
	f.obey(f.check(1)[0].Fix)
	f.requireUsable(firstSecret)
	assert.Equal(f.t, before, f.login(firstSecret), "the binding is the same")
}

// TestRecreatedWorkload deletes a bound workload and creates it again. The next bind continues the binding.
func TestRecreatedWorkload(t *testing.T) {
	t.Parallel()
	for name, entry := range map[string]map[string]any{"the entry in the manifest": {"envFrom": source("secretRef", firstSecret)}, "no entry": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newLesson(t, harness.WithoutClaim)
			f.bind(application)
			before, roles := f.login(firstSecret), f.loginRoles()
			_, err := f.Kubectl("replace", "--force", "--filename=-").Stdin(f.appManifest(entry)).Output(f.ctx)
			require.NoError(t, err)

			found := f.check(1)
			require.Equal(t, "Recreated", found[0].Reason)
			assert.Contains(t, f.list(), "Recreated")
			nothing := f.bind("prune", "--yes")
			assert.Contains(t, nothing.Stderr, "nothing to prune")
			f.obey(found[0].Fix)

			f.requireUsable(firstSecret)
			assert.Equal(t, before, f.login(firstSecret))
			assert.Equal(t, roles, f.loginRoles())
			again := f.bind(application)
			assert.Contains(t, again.Stdout, lesson.Application+" unchanged")
			f.bind("rotate", application, "--grace=1s")
			f.requireUsable(firstSecret)
			f.bind("unbind", application, "--grace=1s")
			assert.Empty(t, f.loginRoles())
		})
	}
}

// TestServerWarnings requires that warnings of the API server reach the user, each once.
func TestServerWarnings(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.kubectl("label", "namespace", f.Name, "pod-security.kubernetes.io/warn=restricted")
	result := f.bind(application)
	assert.Equal(t, 1, strings.Count(result.Stderr, "Warning: would violate PodSecurity"), result.Stderr)
}

// TestFieldManager requires that the field manager of a bind is that of later commands, and that the next one takes over its fields.
func TestFieldManager(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	const container = `k:{"name":"postgresql-application-container"}`
	owners := func() string {
		deployment, secret := f.application(), f.secret(firstSecret)
		return fmt.Sprint(
			owner(t, deployment, "f:spec", "f:template", "f:spec", "f:containers", container, "f:envFrom"),
			owner(t, secret, "f:data"),
		)
	}
	f.bind(application, "--field-manager=ci")
	assert.Equal(t, "[ci] [ci]", owners())
	f.bind("rotate", application, "--grace=1s")
	assert.Equal(t, "[ci] [ci]", owners())
	assert.Equal(t, []string{"ci"}, owner(t, f.application(), "f:spec", "f:template", "f:metadata", "f:annotations"))
	f.bind(application, "--field-manager=deploy")
	assert.Equal(t, "[deploy] [deploy]", owners())
	assert.Contains(t, f.bind(application).Stdout, "unchanged")
	f.bind("rotate", application, "--grace=1s", "--field-manager=pgbind.dev")
	assert.Equal(t, "[pgbind.dev] [pgbind.dev]", owners())
	f.requireHealthy()
}

// owner returns the managers that own the field.
func owner(t *testing.T, object runtime.Object, path ...string) []string {
	t.Helper()
	var entries []metav1.ManagedFieldsEntry
	switch o := object.(type) {
	case *appsv1.Deployment:
		entries = o.ManagedFields
	case *corev1.Secret:
		entries = o.ManagedFields
	}
	require.NotEmpty(t, entries, strings.Join(path, "."))
	var managers []string
	for _, entry := range entries {
		var fields map[string]any
		require.NoError(t, json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields))
		if _, found, _ := unstructured.NestedFieldNoCopy(fields, path...); found {
			managers = append(managers, entry.Manager)
		}
	}
	return managers
}
