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
