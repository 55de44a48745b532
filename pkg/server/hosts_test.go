package server_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

func TestHosts_AreAllNamesAndAddresses(t *testing.T) {
	member := func(pod *corev1.Pod) { pod.Spec.Hostname, pod.Spec.Subdomain = "postgresql-sfs-0", "postgresql-svc" }
	objects := append(lesson(member), newService("clustered", "10.96.0.20", lessonLabels), slicesFor("clustered", "postgresql-sfs-0"),
		newService("elsewhere", "10.96.0.21", lessonLabels), slicesFor("elsewhere", "postgresql-application"))
	find := func(choice server.Choice) *server.Endpoint {
		e, err := server.NewFinder(newCluster(t, objects...)).Find(t.Context(), lessonRef, choice)
		require.NoError(t, err)
		return e
	}
	far := []string{
		"clustered.data",
		"clustered.data.svc",
		"clustered.data.svc.cluster.local",
		"10.96.0.20",
		"postgresql-svc.data",
		"postgresql-svc.data.svc",
		"postgresql-svc.data.svc.cluster.local",
		"postgresql-sfs-0.postgresql-svc.data",
		"postgresql-sfs-0.postgresql-svc.data.svc",
		"postgresql-sfs-0.postgresql-svc.data.svc.cluster.local",
		"ip-of-postgresql-sfs-0",
	}
	assert.ElementsMatch(t, far, find(server.Choice{}).Hosts("shop"))
	assert.ElementsMatch(
		t, append(far, "clustered", "postgresql-svc", "postgresql-sfs-0.postgresql-svc"),
		find(server.Choice{}).Hosts(namespace),
	)
	assert.Contains(t, find(server.Choice{ClusterDomain: "example.org"}).Hosts("shop"), "clustered.data.svc.example.org")
	assert.ElementsMatch(t, []string{"db.example", "ip-of-postgresql-sfs-0"}, find(server.Choice{Host: "db.example"}).Hosts(namespace))
}
