//go:build e2e && controllers

package e2e

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// rollout is the lesson's application as a Rollout of Argo.
const rollout = "rollout.argoproj.io/" + lesson.Application

// TestArgoRollouts binds Rollouts whose Pods the controller of Argo Rollouts replaces.
func TestArgoRollouts(t *testing.T) {
	t.Parallel()
	module{"argo-rollouts", "github.com/argoproj/argo-rollouts"}.define(t, "manifests/crds/*-crd.yaml")
	canary := map[string]any{"canary": map[string]any{"steps": []any{
		map[string]any{"setWeight": int64(50)}, map[string]any{"pause": map[string]any{"duration": int64(2)}},
	}}}
	for name, test := range map[string]func(*fixture){
		"canary": func(f *fixture) {
			f.createRollout(canary)
			f.testRollout(rollout, nothing)
			f.testPromotion()
		},
		"blue-green": func(f *fixture) {
			f.createRollout(map[string]any{"blueGreen": map[string]any{"activeService": lesson.AppService, "scaleDownDelaySeconds": int64(15)}})
			f.testRollout(rollout, f.requireStale)
		},
		"the template of a Deployment": func(f *fixture) {
			f.createRolloutOf(canary)
			f.testRollout(application, nothing)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newGitOps(t)
			f.start(controller{
				name: "argo-rollouts", args: []string{"--namespaced", "--leader-elect=false"}, port: 8080, path: "/healthz",
				folders: []string{"/tmp"},
			})
			test(f)
		})
	}
}

// lessonApplication is the Deployment of the lesson.
func (f *fixture) lessonApplication() *unstructured.Unstructured {
	f.t.Helper()
	deployment := &unstructured.Unstructured{}
	require.NoError(f.t, json.Unmarshal([]byte(f.appManifest(nil)), deployment))
	require.NoError(f.t, unstructured.SetNestedField(deployment.Object, int64(2), "spec", "replicas"))
	return deployment
}

// createRollout creates the lesson's application as a Rollout with a template of its own.
func (f *fixture) createRollout(strategy map[string]any) {
	f.t.Helper()
	object := f.lessonApplication()
	object.SetAPIVersion("argoproj.io/v1alpha1")
	object.SetKind("Rollout")
	require.NoError(f.t, unstructured.SetNestedMap(object.Object, strategy, "spec", "strategy"))
	require.NoError(f.t, f.Apply(f.ctx, object))
	f.awaitRollout()
}

// createRolloutOf creates the lesson's application as a Rollout that takes its template from a Deployment without Pods.
func (f *fixture) createRolloutOf(strategy map[string]any) {
	f.t.Helper()
	deployment := f.lessonApplication()
	require.NoError(f.t, unstructured.SetNestedField(deployment.Object, int64(0), "spec", "replicas"))
	selector, _, err := unstructured.NestedMap(deployment.Object, "spec", "selector")
	require.NoError(f.t, err)
	object := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{
		"replicas": int64(2), "selector": selector, "strategy": strategy,
		"workloadRef": map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment.GetName()},
	}}}
	object.SetAPIVersion("argoproj.io/v1alpha1")
	object.SetKind("Rollout")
	object.SetName(deployment.GetName())
	require.NoError(f.t, f.Apply(f.ctx, deployment, object))
	f.awaitRollout()
}

// awaitRollout waits until the controller reports the Rollout as complete.
func (f *fixture) awaitRollout() {
	f.t.Helper()
	f.kubectl("wait", "--for=jsonpath={.status.phase}=Healthy", "--timeout=180s", rollout)
}

func nothing() {}

// testRollout binds, rotates, damages and unbinds a Rollout, and calls bound after the bind. The object is the one that has the pod template.
func (f *fixture) testRollout(object string, bound func()) {
	f.t.Helper()
	const template = "--output=jsonpath={.spec.template}"
	before := f.kubectl("get", object, template)
	f.bind(rollout)
	bound()
	f.requireRolledOut()

	result := f.underLoad(func() {
		former, pods := f.login(firstSecret), f.pods("postgresql-app")
		f.bind("rotate", rollout, "--grace=1s")
		assert.NotEqual(f.t, former.Username, f.login(firstSecret).Username)
		assert.Equal(f.t, f.login(firstSecret).Username, f.loginRoles(), "the former login is gone")
		for _, pod := range f.pods("postgresql-app") {
			assert.NotContains(f.t, pods, pod, "its Pods too")
		}
		f.requireRolledOut()
	})
	assert.Greater(f.t, result.sent, 20, "there was a load")
	assert.Empty(f.t, result.failed, "of %d requests during a rotation", result.sent)

	f.admin("ALTER ROLE " + f.login(firstSecret).Username + " PASSWORD 'another'")
	f.requireRepaired("LoginFailed")
	f.kubectl("patch", object, "--type=json", "--patch", `[{"op":"remove","path":"/spec/template/spec/containers/0/envFrom"}]`)
	f.requireRepaired("Unreferenced")

	f.bind("unbind", rollout, "--grace=1s")
	assert.Equal(f.t, before, f.kubectl("get", object, template))
	assert.Empty(f.t, f.loginRoles())
	assert.Empty(f.t, f.boundSecrets())
	f.awaitRollout()
	_, page, err := f.Page(f.ctx)
	require.NoError(f.t, err)
	assert.Contains(f.t, page, "Simple PostgreSQL Web App", "the application answers")
	assert.NotEqual(f.t, lesson.Page, page, "without its database")
}

// requireRolledOut requires that the controller has replaced all Pods, that they log in with the Secret, and that check finds nothing.
func (f *fixture) requireRolledOut() {
	f.t.Helper()
	assert.Equal(f.t, "Healthy", f.kubectl("get", rollout, "--output=jsonpath={.status.phase}"))
	require.Eventually(
		f.t,
		func() bool { return len(f.pods("postgresql-app")) == 2 },
		time.Minute,
		time.Second,
		"Pods of the former template are left",
	)
	require.NoError(f.t, f.WaitForPage(f.ctx, lesson.Page))
	assert.Equal(f.t, f.login(firstSecret).Username, f.admin("SELECT DISTINCT usename FROM pg_stat_activity WHERE usename LIKE 'pgb\\_%'"))
	f.requireHealthy()
}

// requireStale requires that check finds the Pods that the controller has not replaced yet, and that it does not have them deleted: their
// ReplicaSet would create them again as they were.
func (f *fixture) requireStale() {
	f.t.Helper()
	found := f.check(1)
	require.Equal(f.t, []string{"StalePods"}, reasons(found))
	assert.Equal(f.t, "kubectl argo rollouts status "+lesson.Application+" -n "+f.Name, found[0].Fix)
}

// requireRepaired requires that check finds a damage, and that its fix is the end of it.
func (f *fixture) requireRepaired(reason string) {
	f.t.Helper()
	found := f.check(1)
	require.Equal(f.t, []string{reason}, reasons(found))
	f.obey(found[0].Fix)
	f.requireRolledOut()
}

// testPromotion has a Rollout that stops with half of its Pods until a person promotes or aborts it.
func (f *fixture) testPromotion() {
	f.t.Helper()
	f.kubectl("patch", rollout, "--type=merge", "--patch", `{"spec":{"strategy":{"canary":{"steps":[{"setWeight":50},{"pause":{}}]}}}}`)
	f.awaitRollout()
	late := f.run(f.Pgbind(rollout, "--timeout=15s"))
	assert.Equal(f.t, 124, late.Code, late.Stderr)
	assert.Contains(f.t, late.Stderr, "is paused: continue with kubectl argo rollouts promote "+lesson.Application+" --namespace "+f.Name)
	assert.Contains(f.t, late.Stderr, "continue with: kubectl argo rollouts status "+lesson.Application+" -n "+f.Name)
	f.requireStale()
	f.promote()
	f.awaitRollout()
	assert.Contains(f.t, f.bind(rollout).Stdout, rollout+" unchanged")
	f.requireRolledOut()

	result := f.underLoad(func() {
		former := f.login(firstSecret)
		rotated := f.whilePaused([]string{"rotate", rollout, "--grace=1s"}, func() {
			assert.Len(f.t, lines(f.loginRoles()), 2, "half of the Pods have the former login")
			assert.Equal(f.t, []string{"StalePods", "Leftover"}, reasons(f.check(1)))
			f.promote()
		})
		assert.Zero(f.t, rotated.Code, rotated.Stderr)
		assert.NotEqual(f.t, former.Username, f.login(firstSecret).Username)
		assert.Equal(f.t, f.login(firstSecret).Username, f.loginRoles())
		f.requireRolledOut()

		before := f.login(firstSecret)
		aborted := f.whilePaused([]string{"rotate", rollout, "--grace=1s"}, func() {
			f.kubectl("patch", rollout, "--subresource=status", "--type=merge", "--patch", `{"status":{"abort":true}}`)
		})
		assert.Equal(f.t, 1, aborted.Code, aborted.Stderr)
		assert.Contains(f.t, aborted.Stderr, "its rollout failed")
		assert.Equal(f.t, before, f.login(firstSecret), "the former login is back")
		assert.Equal(f.t, before.Username, f.loginRoles())
		f.requireRolledOut()
	})
	assert.Empty(f.t, result.failed, "of %d requests", result.sent)

	unbound := f.whilePaused([]string{"unbind", rollout, "--grace=1s"}, f.promote)
	assert.Zero(f.t, unbound.Code, unbound.Stderr)
	assert.Empty(f.t, f.loginRoles())
}

// promote does what kubectl argo rollouts promote does with a Rollout that is paused at a step.
func (f *fixture) promote() {
	f.t.Helper()
	f.kubectl("patch", rollout, "--subresource=status", "--type=merge", "--patch", `{"status":{"pauseConditions":null}}`)
}

// whilePaused runs a command of the plugin that waits for the Rollout, does something when the Rollout is paused, and returns the result.
func (f *fixture) whilePaused(command []string, do func()) harness.Result {
	f.t.Helper()
	process, err := f.Pgbind(append(command, "--timeout=3m")...).Start(f.ctx)
	require.NoError(f.t, err)
	f.kubectl("wait", "--for=jsonpath={.status.phase}=Paused", "--timeout=120s", rollout)
	do()
	result, err := process.Wait()
	require.NoError(f.t, err)
	return result
}
