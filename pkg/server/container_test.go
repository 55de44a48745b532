package server_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

func find(t *testing.T, choice server.Choice, changes ...func(*corev1.Pod)) (*server.Endpoint, error) {
	t.Helper()
	choice.Host = "db.example"
	return server.NewFinder(newCluster(t, newPod("postgresql-sfs-0", changes...))).Find(t.Context(), lessonRef, choice)
}

func TestContainerOf_ChoosesContainer(t *testing.T) {
	image := func(name, image string) corev1.Container { return corev1.Container{Name: name, Image: image} }
	port := func(name string, port int32) corev1.Container {
		return corev1.Container{Name: name, Ports: []corev1.ContainerPort{{ContainerPort: port}}}
	}
	annotated := func(name string) func(*corev1.Pod) {
		return func(pod *corev1.Pod) {
			pod.Annotations = map[string]string{"kubectl.kubernetes.io/default-container": name}
		}
	}
	sidecars := func(sidecars ...corev1.Container) func(*corev1.Pod) {
		return func(pod *corev1.Pod) {
			for _, c := range sidecars {
				c.RestartPolicy = new(corev1.ContainerRestartPolicyAlways)
				pod.Spec.InitContainers = append(pod.Spec.InitContainers, c)
			}
		}
	}
	zalando := labelled(map[string]string{"application": "spilo"})
	exporter := image("exporter", "example.org:5000/prometheus/postgres-exporter:v1")
	tests := map[string]struct {
		asked   string
		changes []func(*corev1.Pod)
		want    string
	}{
		"named by the caller":        {"b", []func(*corev1.Pod){containers(port("a", 5432), image("b", "x")), annotated("a")}, "b"},
		"by annotation":              {"", []func(*corev1.Pod){containers(port("a", 5432), image("b", "x")), annotated("b")}, "b"},
		"annotation of no container": {"", []func(*corev1.Pod){containers(image("a", "x"), port("b", 5432)), annotated("gone")}, "b"},
		"by the operator's name": {
			"",
			[]func(*corev1.Pod){containers(port("a", 5432), image("postgres", "x")), zalando},
			"postgres",
		},
		"not by the operator's name": {"", []func(*corev1.Pod){containers(port("a", 5432), image("b", "x")), zalando}, "a"},
		"only container":             {"", []func(*corev1.Pod){containers(image("a", "x"))}, "a"},
		"by port":                    {"", []func(*corev1.Pod){containers(image("a", "postgres"), port("b", 5432))}, "b"},
		"by image":                   {"", []func(*corev1.Pod){containers(exporter, image("b", "ghcr.io/x/spilo-17@sha256:00"))}, "b"},
		"by image, with two such ports": {
			"",
			[]func(*corev1.Pod){containers(port("a", 5432), port("b", 5432), image("c", "postgis:16"))},
			"c",
		},
		"native sidecar, by name": {"b", []func(*corev1.Pod){containers(image("a", "postgres")), sidecars(image("b", "x"))}, "b"},
		"native sidecar, by annotation": {
			"",
			[]func(*corev1.Pod){containers(port("a", 5432)), sidecars(image("b", "x")), annotated("b")},
			"b",
		},
		"native sidecar, by port": {
			"",
			[]func(*corev1.Pod){containers(image("a", "x")), sidecars(port("b", 5432), exporter)},
			"b",
		},
		"native sidecar, by image": {
			"",
			[]func(*corev1.Pod){containers(image("a", "x")), sidecars(exporter, image("b", "postgres:16"))},
			"b",
		},
		"native sidecar beside a server": {"", []func(*corev1.Pod){containers(image("a", "x")), sidecars(exporter, image("b", "x"))}, "a"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			e, err := find(t, server.Choice{Container: test.asked}, test.changes...)
			require.NoError(t, err)
			assert.Equal(t, test.want, e.Container)
		})
	}
	_, err := find(t, server.Choice{}, containers(image("a", "postgres:16"), image("b", "timescaledb:16")))
	require.EqualError(t, err, "pod/postgresql-sfs-0 has several containers (a, b): choose one with --postgres-container")
	_, err = find(t, server.Choice{Container: "c"}, containers(image("a", "postgres"), image("b", "x")))
	require.EqualError(t, err, `pod/postgresql-sfs-0 has no container "c": use one of a, b`)
}

func TestFind_ReadsPortAndSocket(t *testing.T) {
	tests := map[string]struct {
		container corev1.Container
		port      int32
		socket    string
	}{
		"nothing declared":  {corev1.Container{}, 5432, ""},
		"only port":         {corev1.Container{Ports: []corev1.ContainerPort{{ContainerPort: 5433}}}, 5433, ""},
		"5432 among others": {corev1.Container{Ports: []corev1.ContainerPort{{ContainerPort: 9187}, {ContainerPort: 5432}}}, 5432, ""},
		"port by name": {
			corev1.Container{Ports: []corev1.ContainerPort{{Name: "metrics", ContainerPort: 9187}, {Name: "pgsql", ContainerPort: 6000}}},
			6000,
			"",
		},
		"not an exporter's": {
			corev1.Container{Ports: []corev1.ContainerPort{{Name: "postgres-export", ContainerPort: 9187}, {Name: "x", ContainerPort: 1}}},
			5432,
			"",
		},
		"variables": {
			corev1.Container{Env: []corev1.EnvVar{{Name: "PGPORT", Value: "6543"}, {Name: "PGHOST", Value: "/run/pg"}}},
			6543,
			"/run/pg",
		},
		"host, no directory": {
			corev1.Container{Env: []corev1.EnvVar{{Name: "PGHOST", Value: "db"}, {Name: "PGPORT", Value: "$(PORT)"}}},
			5432,
			"",
		},
		"variables elsewhere": {corev1.Container{Env: []corev1.EnvVar{{Name: "PGHOST", ValueFrom: &corev1.EnvVarSource{}}}}, 5432, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			e, err := find(t, server.Choice{}, containers(test.container))
			require.NoError(t, err)
			assert.Equal(t, test.port, e.PodPort)
			assert.Equal(t, test.port, e.Port)
			assert.Equal(t, test.socket, e.SocketDir)
		})
	}
}
