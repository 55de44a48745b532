package workload

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

func TestReplicas(t *testing.T) {
	three := int32(3)
	for _, test := range []struct {
		object object
		want   int
	}{
		{&appsv1.Deployment{}, 1},
		{&appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: &three}}, 3},
		{&appsv1.StatefulSet{Spec: appsv1.StatefulSetSpec{Replicas: &three}}, 3},
		{&appsv1.ReplicaSet{Spec: appsv1.ReplicaSetSpec{Replicas: &three}}, 3},
		{&corev1.ReplicationController{Spec: corev1.ReplicationControllerSpec{Replicas: &three, Template: &corev1.PodTemplateSpec{}}}, 3},
		{&appsv1.DaemonSet{Status: appsv1.DaemonSetStatus{DesiredNumberScheduled: 3}}, 3},
		{&batchv1.Job{Spec: batchv1.JobSpec{Parallelism: &three}}, 3},
		{&batchv1.CronJob{}, 1},
		{&corev1.Pod{}, 1},
	} {
		w, err := Of(test.object)
		require.NoError(t, err)
		assert.Equal(t, test.want, w.Replicas(), w.String())
	}
}
