package workload_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestStalePods(t *testing.T) {
	s, client, w := newPodServer(t)
	rotated := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	old, mounts, ending := *s.pods[2].DeepCopy(), *s.pods[2].DeepCopy(), *s.pods[0].DeepCopy()
	s.pods[2].CreationTimestamp = metav1.NewTime(rotated.Add(time.Minute))
	old.Name, old.CreationTimestamp = "old", metav1.NewTime(rotated.Add(-time.Minute))
	ending.Name, ending.DeletionTimestamp = "ending", &metav1.Time{Time: rotated}
	mounts.Name, mounts.CreationTimestamp = "mounts", old.CreationTimestamp
	mounts.Spec.Containers[0].EnvFrom = nil
	mounts.Spec.Volumes = []corev1.Volume{
		{Name: "v", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: ours}}},
	}
	s.pods = append(s.pods, old, mounts, ending)

	stale, err := client.StalePods(t.Context(), w, ours, time.Time{})
	require.NoError(t, err)
	assert.Equal(
		t, []string{"a", "b", "mounts"}, podNamesOf(stale),
		"the OutdatedPods, including the mount that the template does not have",
	)
	stale, err = client.StalePods(t.Context(), w, ours, rotated)
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b", "old", "mounts"}, podNamesOf(stale))
}
