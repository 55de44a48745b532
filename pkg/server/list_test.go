package server_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

func TestList_GroupsThePodsOfAServer(t *testing.T) {
	set := func(name string) func(*corev1.Pod) { return controlledBy("StatefulSet", name) }
	pods := []corev1.Pod{
		*newPod("pg-1", set("pg")), *newPod("pg-0", set("pg")), *newPod("other"),
		*newPod("web", containers(corev1.Container{Name: "web", Image: "web:1"})),
		*newPod("starting", notReady("starting")),
		*newPod("unclear", containers(
			corev1.Container{Name: "a", Image: "postgres:17"}, corev1.Container{Name: "b", Image: "postgres:17"})),
	}
	found, skipped := server.List(pods, "")
	require.Len(t, found, 2)
	assert.Equal(t, "data/pod/other", found[0].Location)
	assert.Equal(t, "data/statefulset/pg", found[1].Location)
	assert.Equal(t, found[1].Location, server.LocationOf(&pods[0]))
	require.Len(t, found[1].Members, 2)
	assert.Equal(t, "pg-0", found[1].Members[0].Pod.Name)
	assert.Equal(t, "postgresql-db", found[1].Members[0].Container)
	assert.EqualValues(t, 5432, found[1].Members[0].PodPort)
	require.Len(t, skipped, 1)
	assert.ErrorContains(t, skipped[0], "pod/unclear has several containers")
}

func TestServices_LeadToPods(t *testing.T) {
	c := newCluster(
		t, newService("pg", "None", nil), newService("web", "10.0.0.1", nil), slicesFor("pg", "pg-0", "pg-1"),
		slicesFor("web", "web-0"),
	)
	services, err := server.NewFinder(c).Services(t.Context(), namespace)
	require.NoError(t, err)
	assert.Equal(t, []string{"pg"}, services.To(newPod("pg-1"), newPod("pg-0")))
	assert.Empty(t, services.To(newPod("other")))
}
