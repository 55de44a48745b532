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
	require.Len(t, skipped, 2)
	require.EqualError(t, skipped[0], "pod/starting in namespace data looks like a PostgreSQL server, but it is not ready, starting "+
		"(see kubectl describe pod/starting -n data)")
	assert.ErrorContains(t, skipped[1], "pod/unclear has several containers")
}

func TestList_NamesAServerWithoutAReadyPodOnce(t *testing.T) {
	set, unready := controlledBy("StatefulSet", "pg"), notReady("starting")
	ended := func(pod *corev1.Pod) { pod.Status.Phase = corev1.PodSucceeded }
	for name, test := range map[string]struct {
		pods []corev1.Pod
		want int
	}{
		"two Pods, one server":     {[]corev1.Pod{*newPod("pg-0", set, unready), *newPod("pg-1", set, unready)}, 1},
		"another Pod is ready":     {[]corev1.Pod{*newPod("pg-0", set, unready), *newPod("pg-1", set)}, 0},
		"the Pod of a Job, ended":  {[]corev1.Pod{*newPod("load", unready, ended)}, 0},
		"a client that is unready": {[]corev1.Pod{*newPod("web", unready, containers(corev1.Container{Name: "web", Image: "web:1"}))}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			_, skipped := server.List(test.pods, "")
			assert.Len(t, skipped, test.want)
		})
	}
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

func TestList_OmitsClients(t *testing.T) {
	const image = "postgres:17"
	for name, test := range map[string]struct {
		c    corev1.Container
		want int
	}{
		"the image's own command": {corev1.Container{Image: image}, 1},
		"options of the server":   {corev1.Container{Image: image, Args: []string{"-c", "max_connections=500"}}, 1},
		"the server by name":      {corev1.Container{Image: image, Command: []string{"sh", "-c", "exec docker-entrypoint.sh postgres"}}, 1},
		"a script of a chart":     {corev1.Container{Image: "bitnami/postgresql:17", Command: []string{"/opt/scripts/postgresql/run.sh"}}, 1},
		"patroni":                 {corev1.Container{Image: "spilo:17", Command: []string{"/bin/sh", "/launch.sh", "patroni"}}, 1},
		"a port": {
			corev1.Container{Image: image, Command: []string{"/start"}, Ports: []corev1.ContainerPort{{ContainerPort: 5432}}}, 1,
		},
		"sleep":                   {corev1.Container{Image: image, Command: []string{"sleep", "infinity"}}, 0},
		"arguments of the image":  {corev1.Container{Image: image, Args: []string{"tail", "-f", "/dev/null"}}, 0},
		"psql":                    {corev1.Container{Image: image, Command: []string{"psql"}, Args: []string{"-c", "SELECT 1"}}, 0},
		"a dump in a shell":       {corev1.Container{Image: image, Command: []string{"sh", "-c", "pg_dump shop >/dump"}}, 0},
		"an image of another use": {corev1.Container{Image: "postgres-exporter:1"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			test.c.Name = "c"
			found, skipped := server.List([]corev1.Pod{*newPod("pod", containers(test.c))}, "")
			assert.Len(t, found, test.want)
			assert.Empty(t, skipped)
		})
	}
}
