//go:build e2e

package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// TestInjection binds Deployments without Pods, and reads their pod templates.
func TestInjection(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	t.Run("chosen containers", func(t *testing.T) { f.in(t).testContainers() })
	t.Run("env", func(t *testing.T) { f.in(t).testEnv() })
	t.Run("volume", func(t *testing.T) { f.in(t).testVolume() })
	t.Run("none", func(t *testing.T) { f.in(t).testNone() })
	t.Run("envFrom of another tool", func(t *testing.T) { f.in(t).testManaged() })
	t.Run("second database", func(t *testing.T) { f.in(t).testSecondDatabase() })
	t.Run("no permission to create Events", func(t *testing.T) { f.in(t).testNoEvents() })
}

func (f *fixture) testContainers() {
	f.create(small(deployment("several", func(pod *corev1.PodSpec) {
		pod.InitContainers = []corev1.Container{{Name: "migrate", Image: appImage}}
		pod.Containers = append(
			pod.Containers, corev1.Container{Name: "worker", Image: appImage},
			corev1.Container{Name: "proxy", Image: appImage},
		)
	})))
	result := f.run(f.Pgbind("deploy/several", "-c", "migrate", "-c", "wroker"))
	assert.Equal(f.t, 1, result.Code)
	assert.Contains(f.t, result.Stderr, "migrate, several, worker, proxy", "what there is to choose from")
	result = f.bind("deploy/several", "-c", "migrate", "-c", "worker")
	assert.Contains(f.t, result.Stdout, "deployment.apps/several bound")
	assert.Equal(f.t, []string{"migrate", "worker"}, f.containersWithEnvFrom("several"))
	f.bind("deploy/several", "-c", "*")
	assert.Equal(f.t, []string{"migrate", "several", "worker", "proxy"}, f.containersWithEnvFrom("several"))
}

func (f *fixture) testEnv() {
	f.create(small(deployment("explicit", func(pod *corev1.PodSpec) {
		pod.Containers[0].Env = []corev1.EnvVar{{Name: "COLOUR", Value: "green"}, fromSecret("POSTGRES_HOST")}
	})))
	result := f.run(f.Pgbind("deploy/explicit", "--inject=env", "--secret=explicit-secret"))
	assert.Equal(f.t, 1, result.Code)
	assert.Contains(f.t, result.Stderr, "--adopt")
	want := []corev1.EnvVar{
		{Name: "COLOUR", Value: "green"}, fromSecret("POSTGRES_HOST"),
		fromSecret("POSTGRES_PASSWORD"), fromSecret("POSTGRES_USERNAME"),
	}
	for _, outcome := range []string{"bound", "unchanged"} {
		result = f.bind("deploy/explicit", "--inject=env", "--secret=explicit-secret", "--adopt")
		assert.Contains(f.t, result.Stdout, "deployment.apps/explicit "+outcome)
		assert.ElementsMatch(f.t, want, f.deployment("explicit").Spec.Template.Spec.Containers[0].Env)
	}
}

func (f *fixture) testVolume() {
	f.create(deployment("mounted", func(pod *corev1.PodSpec) {
		pod.Containers[0].Image, pod.Containers[0].Command = databaseImage, []string{"sleep", "infinity"}
		pod.TerminationGracePeriodSeconds = new(int64)
	}))
	result := f.run(f.Pgbind("deploy/mounted", "--inject=volume"))
	assert.Equal(f.t, 2, result.Code)
	assert.Contains(f.t, result.Stderr, "--mount-path")
	f.bind("deploy/mounted", "--inject=volume", "--mount-path=/etc/postgresql-login")
	assert.Empty(f.t, f.containersWithEnvFrom("mounted"))
	secret := f.deployment("mounted").Spec.Template.Spec.Volumes[0].Secret.SecretName
	read, err := f.Kubectl("exec", "deploy/mounted", "--", "cat", "/etc/postgresql-login/POSTGRES_USERNAME").Output(f.ctx)
	require.NoError(f.t, err)
	assert.Equal(f.t, f.login(secret).Username, read)
	_, err = f.Kubectl("exec", "deploy/mounted", "--", "touch", "/etc/postgresql-login/new").Output(f.ctx)
	require.ErrorContains(f.t, err, "Read-only file system")
}

func (f *fixture) testNone() {
	f.create(small(deployment("in-git", nil)))
	f.rollout("deployment/in-git")
	before := f.deployment("in-git")
	result := f.bind("deploy/in-git", "--inject=none")
	assert.Equal(f.t, before.ResourceVersion, f.deployment("in-git").ResourceVersion)
	session := f.run(f.Pgbind("psql", "deploy/in-git", "--", "-At", "-c", "SELECT session_user"))
	assert.Regexp(f.t, `^pgb_\w+\n$`, session.Stdout, session.Stderr)
	f.applyPatch("in-git", result)
	again := f.bind("deploy/in-git")
	assert.Contains(f.t, again.Stdout, "deployment.apps/in-git unchanged")
}

// applyPatch applies the patch that a run printed before its two results, and returns the login to which it refers.
func (f *fixture) applyPatch(name string, printed harness.Result) {
	f.t.Helper()
	out := lines(printed.Stdout)
	patch := strings.Join(out[:len(out)-2], "\n")
	_, err := f.Kubectl("patch", "deployment", name, "--patch-file=/dev/stdin").Stdin(patch).Output(f.ctx)
	require.NoError(f.t, err, patch)
	reference := f.deployment(name).Spec.Template.Spec.Containers[0].EnvFrom
	require.Len(f.t, reference, 1)
	assert.Equal(f.t, "1", f.as(reference[0].SecretRef.Name, "SELECT 1"))
}

func (f *fixture) testManaged() {
	f.create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "settings"}})
	settings := corev1.EnvFromSource{
		ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}},
	}
	for name, apply := range map[string][]string{
		"client-side": {"apply", "--filename=-"},
		"argo":        {"apply", "--filename=-", "--server-side", "--field-manager=argocd-controller"},
		"flux":        {"apply", "--filename=-", "--server-side", "--field-manager=kustomize-controller"},
		"helm":        {"apply", "--filename=-", "--server-side", "--field-manager=helm"},
	} {
		owned := small(
			deployment("owned-"+name, func(pod *corev1.PodSpec) { pod.Containers[0].EnvFrom = []corev1.EnvFromSource{settings} }),
		)
		owned.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("Deployment"))
		manifest, err := json.Marshal(owned)
		require.NoError(f.t, err)
		_, err = f.Kubectl(apply...).Stdin(string(manifest)).Output(f.ctx)
		require.NoError(f.t, err)
		roles := f.roles()

		result := f.run(f.Pgbind("deploy/" + owned.Name))

		assert.Equal(f.t, 1, result.Code, name)
		assert.Contains(f.t, result.Stderr, "--inject none", name)
		assert.Contains(f.t, result.Stdout, "secretRef:", "what to put into the manifest")
		assert.Equal(f.t, roles, f.roles())
		f.bind("deploy/"+owned.Name, "--force")
		assert.Len(f.t, f.deployment(owned.Name).Spec.Template.Spec.Containers[0].EnvFrom, 2, "the tool's own entry stays")
	}
}

func (f *fixture) testSecondDatabase() {
	f.create(small(deployment("two-faced", nil)))
	f.admin("CREATE DATABASE shop")
	f.bind("deploy/two-faced", "--secret=first")
	result := f.run(f.Pgbind("deploy/two-faced", "--dbname=shop", "--secret=second"))
	assert.Equal(f.t, 1, result.Code)
	assert.Contains(f.t, result.Stderr, "--env-prefix")
	f.bind("deploy/two-faced", "--dbname=shop", "--secret=second", "--env-prefix=SHOP_")
	second := envFrom("second")
	second.Prefix = "SHOP_"
	assert.Equal(f.t, []corev1.EnvFromSource{envFrom("first"), second}, f.deployment("two-faced").Spec.Template.Spec.Containers[0].EnvFrom)
	for _, secret := range []string{"first", "second"} {
		assert.Equal(f.t, "1", f.as(secret, "SELECT 1"))
	}
	for _, args := range [][]string{{}, {"--dbname=shop", "--env-prefix=SHOP_"}} {
		again := f.bind(append([]string{"deploy/two-faced"}, args...)...)
		assert.Contains(f.t, again.Stdout, "deployment.apps/two-faced unchanged")
	}
	result = f.run(f.Pgbind("deploy/two-faced", "--secret=third"))
	assert.Equal(f.t, 1, result.Code)
	assert.Contains(f.t, result.Stderr, "secret/first", "one binding has one Secret")
	for _, command := range []string{"rotate", "unbind"} {
		result = f.run(f.Pgbind(command, "deploy/two-faced", "--grace=0s"))
		assert.Equal(f.t, 1, result.Code)
		assert.Contains(f.t, result.Stderr, "choose one with --secret: first (database postgres), second (database shop)")
	}
	f.bind("unbind", "deploy/two-faced", "--secret=first", "--grace=0s")
	assert.Equal(f.t, []corev1.EnvFromSource{second}, f.deployment("two-faced").Spec.Template.Spec.Containers[0].EnvFrom)
	assert.Equal(f.t, "1", f.as("second", "SELECT 1"))
}

func (f *fixture) testNoEvents() {
	f.create(small(deployment("quiet", nil)))
	kubeconfig, err := f.Identity(f.ctx, "no-events", f.t.TempDir(), documentedRules(f.t))
	require.NoError(f.t, err)
	result := f.run(f.Pgbind("deploy/quiet").As(kubeconfig))
	require.Zero(f.t, result.Code, result.Stderr)
	assert.NotContains(f.t, result.Stderr, "vent")
	assert.Empty(f.t, f.eventOn("quiet"))
	f.create(small(deployment("loud", nil)))
	f.bind("deploy/loud")
	assert.Equal(f.t, string(f.deployment("loud").UID), f.eventOn("loud"))
}

func fromSecret(variable string) corev1.EnvVar {
	return corev1.EnvVar{Name: variable, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: "explicit-secret"}, Key: variable,
	}}}
}

func (f *fixture) deployment(name string) *appsv1.Deployment {
	f.t.Helper()
	found, err := f.Client.AppsV1().Deployments(f.Name).Get(f.ctx, name, metav1.GetOptions{})
	require.NoError(f.t, err)
	return found
}

// containersWithEnvFrom names the Deployment's containers, init containers first, that have a reference.
func (f *fixture) containersWithEnvFrom(name string) []string {
	f.t.Helper()
	var names []string
	spec := f.deployment(name).Spec.Template.Spec
	for _, container := range append(spec.InitContainers, spec.Containers...) {
		if len(container.EnvFrom) > 0 {
			names = append(names, container.Name)
		}
	}
	return names
}
