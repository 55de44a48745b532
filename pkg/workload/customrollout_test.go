package workload

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/yaml"
)

// workloadOf returns a workload of a known kind from the YAML of its spec and status.
func workloadOf(t *testing.T, gk schema.GroupKind, text string) *Workload {
	t.Helper()
	k, known := kindFor(gk)
	require.True(t, known)
	o := map[string]any{}
	require.NoError(t, yaml.Unmarshal([]byte(text), &o))
	obj := &unstructured.Unstructured{Object: o}
	obj.SetGroupVersionKind(k.gvk)
	obj.SetName("web")
	obj.SetNamespace("shop")
	obj.SetGeneration(2)
	return &Workload{kind: k, object: obj}
}

func TestStatusOfCustomKinds(t *testing.T) {
	argo, dc := schema.GroupKind{Group: argoGroup, Kind: "Rollout"}, schema.GroupKind{Group: openShiftGroup, Kind: "DeploymentConfig"}
	knative, clones := schema.GroupKind{Group: knativeGroup, Kind: "Service"}, schema.GroupKind{Group: kruiseGroup, Kind: "CloneSet"}
	daemons := schema.GroupKind{Group: kruiseGroup, Kind: "DaemonSet"}
	for name, tt := range map[string]struct {
		gk   schema.GroupKind
		text string
		line string
		done bool
		err  string
	}{
		"Rollout, not observed":      {argo, `{status: {observedGeneration: "1", phase: Healthy}}`, "observe", false, ""},
		"Rollout, healthy":           {argo, `{status: {observedGeneration: "2", phase: Healthy}}`, "successfully", true, ""},
		"Rollout, progressing":       {argo, `{spec: {replicas: 3}, status: {observedGeneration: "2", phase: Progressing, updatedReplicas: 1}}`, "1 of 3", false, ""},
		"Rollout, waits for a user":  {argo, `{status: {observedGeneration: "2", phase: Paused}}`, "promote web", false, ""},
		"Rollout, degraded":          {argo, `{status: {observedGeneration: "2", phase: Degraded, message: too slow}}`, "", false, "too slow"},
		"DeploymentConfig, old":      {dc, `{spec: {replicas: 2}, status: {observedGeneration: 1, replicas: 2, updatedReplicas: 2, availableReplicas: 2}}`, "observe", false, ""},
		"DeploymentConfig, new":      {dc, `{spec: {replicas: 2}, status: {observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2}}`, "successfully", true, ""},
		"DeploymentConfig, old Pods": {dc, `{spec: {replicas: 2}, status: {observedGeneration: 2, replicas: 3, updatedReplicas: 2, availableReplicas: 2}}`, "1 old Pods", false, ""},
		"DeploymentConfig, failed":   {dc, `{status: {observedGeneration: 2, conditions: [{type: Progressing, status: "False", message: no image}]}}`, "", false, "no image"},
		"Knative, not ready":         {knative, `{status: {observedGeneration: 2, latestCreatedRevisionName: b, latestReadyRevisionName: a, conditions: [{type: Ready, status: Unknown}]}}`, `"b"`, false, ""},
		"Knative, ready":             {knative, `{status: {observedGeneration: 2, latestCreatedRevisionName: b, latestReadyRevisionName: b, conditions: [{type: Ready, status: "True"}]}}`, `"b" is ready`, true, ""},
		"Knative, failed":            {knative, `{status: {observedGeneration: 2, conditions: [{type: Ready, status: "False", message: crashed}]}}`, "", false, "crashed"},
		"CloneSet, one of two":       {clones, `{spec: {replicas: 2}, status: {observedGeneration: 2, replicas: 2, updatedReplicas: 2, updatedReadyReplicas: 1}}`, "1 of 2", false, ""},
		"CloneSet, all":              {clones, `{spec: {replicas: 2}, status: {observedGeneration: 2, replicas: 2, updatedReplicas: 2, updatedReadyReplicas: 2}}`, "successfully", true, ""},
		"DaemonSet, no node":         {daemons, `{status: {observedGeneration: 2, desiredNumberScheduled: 0}}`, "successfully", true, ""},
		"DaemonSet, one of two":      {daemons, `{status: {observedGeneration: 2, desiredNumberScheduled: 2, updatedNumberScheduled: 1, numberAvailable: 2}}`, "1 of 2", false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := workloadOf(t, tt.gk, tt.text)
			line, done, err := w.kind.status(w.object.(*unstructured.Unstructured)) //nolint:forcetypeassert // made above
			assert.Equal(t, tt.done, done)
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			assert.Contains(t, line, tt.line)
		})
	}
}

func TestStatusOfRolloutOfDeployment_WaitsForItsGeneration(t *testing.T) {
	deployment := workloadOf(t, schema.GroupKind{Group: argoGroup, Kind: "Rollout"}, "{}")
	rollout := workloadOf(t, schema.GroupKind{Group: argoGroup, Kind: "Rollout"},
		`{status: {observedGeneration: "2", workloadObservedGeneration: "1", phase: Healthy}}`).afterChangeOf(deployment)
	_, done, err := rollout.kind.status(rollout.object.(*unstructured.Unstructured)) //nolint:forcetypeassert // made above
	require.NoError(t, err)
	assert.False(t, done)
}

func TestRolloutStatus_IgnoresTheFailureBeforeTheChange(t *testing.T) {
	status := func(observed, second string) string {
		return `{status: {observedGeneration: ` + observed + `, phase: Degraded, message: too slow, conditions: [{type: Progressing, status: "False",
			message: too slow, lastUpdateTime: "2030-01-01T00:00:0` + second + `Z"}]}}`
	}
	for _, kind := range []schema.GroupKind{{Group: argoGroup, Kind: "Rollout"}, {Group: openShiftGroup, Kind: "DeploymentConfig"}} {
		for name, tt := range map[string]struct {
			before, now string
			fails       bool
		}{
			"the same failure, after a change":  {before: status("1", "1"), now: status("2", "1")},
			"the same failure, without one":     {before: status("2", "1"), now: status("2", "1"), fails: true},
			"another failure, after the change": {before: status("1", "1"), now: status("2", "2"), fails: true},
			"the first failure":                 {before: `{status: {observedGeneration: 1}}`, now: status("2", "1"), fails: true},
		} {
			t.Run(kind.Kind+", "+name, func(t *testing.T) {
				w := workloadOf(t, kind, tt.before)
				w.object.SetUID("uid")
				now := workloadOf(t, kind, tt.now).object
				now.SetUID("uid")
				_, done, err := rolloutStatus(w.kind.status, w, watch.Event{Type: watch.Modified, Object: now})
				assert.False(t, done)
				assert.Equal(t, tt.fails, err != nil, err)
			})
		}
	}
}

func TestStatusOfRolloutOfDeployment_IgnoresTheFailureBeforeTheChange(t *testing.T) {
	argo := schema.GroupKind{Group: argoGroup, Kind: "Rollout"}
	status := func(workload, second string) string {
		return `{status: {observedGeneration: "2", workloadObservedGeneration: "` + workload + `", phase: Degraded, message: too slow,
			conditions: [{type: Progressing, status: "False", lastUpdateTime: "2030-01-01T00:00:0` + second + `Z"}]}}`
	}
	rollout := workloadOf(t, argo, status("1", "1")).afterChangeOf(workloadOf(t, argo, "{}"))
	for second, fails := range map[string]bool{"1": false, "2": true} {
		now := workloadOf(t, argo, status("2", second)).object.(*unstructured.Unstructured) //nolint:forcetypeassert // as above
		_, done, err := rollout.kind.status(now)
		assert.False(t, done)
		assert.Equal(t, fails, err != nil, err)
	}
}

func TestRolloutOfCustomKinds(t *testing.T) {
	for text, want := range map[string]RolloutKind{
		`{}`:                     Followed,
		`{spec: {paused: true}}`: Paused,
		`{spec: {updateStrategy: {type: OnDelete}}}`:                                        ReplacePods,
		`{spec: {updateStrategy: {paused: true}}}`:                                          Paused,
		`{spec: {updateStrategy: {partition: 1}}}`:                                          Paused,
		`{spec: {updateStrategy: {rollingUpdate: {partition: 2}}}}`:                         Paused,
		`{spec: {updateStrategy: {type: ReCreate}}}`:                                        Followed,
		`{spec: {updateStrategy: {type: InPlaceIfPossible}}}`:                               Paused,
		`{spec: {updateStrategy: {rollingUpdate: {podUpdatePolicy: InPlaceIfPossible}}}}`:   Paused,
		`{spec: {updateStrategy: {rollingUpdate: {rollingUpdateType: InPlaceIfPossible}}}}`: Paused,
	} {
		w := workloadOf(t, schema.GroupKind{Group: kruiseGroup, Kind: "CloneSet"}, text)
		assert.Equal(t, want, w.Rollout().Kind, text)
	}
	manual := workloadOf(t, schema.GroupKind{Group: openShiftGroup, Kind: "DeploymentConfig"}, `{spec: {triggers: [{type: ImageChange}]}}`)
	assert.Contains(t, manual.Rollout().Message, "oc rollout latest web")
	automatic := workloadOf(
		t, schema.GroupKind{Group: openShiftGroup, Kind: "DeploymentConfig"},
		`{spec: {triggers: [{type: ConfigChange}]}}`,
	)
	assert.Equal(t, Followed, automatic.Rollout().Kind)
}

func TestStatusCommandOfCustomKinds(t *testing.T) {
	for gk, want := range map[schema.GroupKind]string{
		{Group: argoGroup, Kind: "Rollout"}:               "kubectl argo rollouts status web -n shop",
		{Group: openShiftGroup, Kind: "DeploymentConfig"}: "oc rollout status dc/web -n shop",
		{Group: kruiseGroup, Kind: "CloneSet"}:            "kubectl describe cloneset.apps.kruise.io/web -n shop",
	} {
		assert.Equal(t, want, workloadOf(t, gk, "{}").StatusCommand())
	}
}

func TestIsFormer_OnlyOfKindsWhoseControllerReplacesPods(t *testing.T) {
	reference := []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "a"}}}}
	bound := corev1.PodSpec{Containers: []corev1.Container{{Name: "app", EnvFrom: reference}}}
	former := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}}}
	for gk, want := range map[schema.GroupKind]bool{
		{Group: argoGroup, Kind: "Rollout"}:    true,
		{Group: knativeGroup, Kind: "Service"}: true,
		{Group: kruiseGroup, Kind: "CloneSet"}: false,
		{Group: "apps", Kind: "Deployment"}:    true,
		{Group: "apps", Kind: "StatefulSet"}:   true,
	} {
		w := workloadOf(t, gk, "{}")
		w.template = &corev1.PodTemplateSpec{Spec: bound}
		assert.Equal(t, want, w.IsFormer(former, "a"), gk)
		assert.False(t, w.IsFormer(&corev1.Pod{Spec: bound}, "a"), gk)
	}
}
