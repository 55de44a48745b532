package workload

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTypeFor(t *testing.T) {
	for word, want := range map[string]string{
		"deployment": "deployment", "Deployments": "deployment", "deploy": "deployment", "deployment.apps": "deployment",
		"sts": "statefulset", "ds": "daemonset", "rs": "replicaset", "rc": "replicationcontroller", "cj": "cronjob", "po": "pod",
		"cronjobs.batch": "cronjob",
		"rollout":        "rollout", "rollouts.argoproj.io": "rollout", "dc": "deploymentconfig", "clonesets": "cloneset",
		"service.serving.knative.dev": "service", "daemonset.apps.kruise.io": "daemonset",
		"job": "", "service": "", "deployment.batch": "", "": "",
	} {
		found, ok := TypeFor(word)
		assert.Equal(t, want, found.Name, word)
		assert.Equal(t, want != "", ok, word)
	}
}

func TestShortName_IsWhatAUserTypes(t *testing.T) {
	for full, want := range map[string]string{
		"deployment.apps/web": "deployment/web", "cronjob.batch/x": "cronjob/x", "pod/x": "pod/x", "rollout.argoproj.io/x": "rollout/x",
		"statefulset.apps.kruise.io/x": "statefulset.apps.kruise.io/x", "widget.example.com/x": "widget.example.com/x", "": "",
	} {
		assert.Equal(t, want, ShortName(full))
		if want != "" {
			assert.Equal(t, full, FullName(want), "it names the same kind")
		}
	}
}
