//go:build e2e

package e2e

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const postgresUser = 999

// operated is the layout of a server by an operator or a chart, as far as it decides how the server is found and how
// the administrator logs in.
type operated struct {
	name      string
	document  string
	service   string // selects the primary
	database  string // of the application, as the document names it
	container string
	labels    map[string]string // of the Pod
	selector  map[string]string // of the primary's Service; nil: it has none, and the operator sets its endpoints
	args      []string
	env       map[string]string
	socketDir string
	root      bool
}

func operators() []operated {
	peer := map[string]string{"POSTGRES_INITDB_ARGS": "--auth-local=peer"}
	with := func(env map[string]string, name, value string) map[string]string {
		merged := map[string]string{name: value}
		for n, v := range env {
			merged[n] = v
		}
		return merged
	}
	return []operated{
		{
			name: "cnpg", document: "cloudnativepg.md", service: "shop-rw", database: "app", container: "postgres",
			socketDir: "/controller/run", env: with(peer, "PGHOST", "/controller/run"),
			labels:   map[string]string{"cnpg.io/cluster": "cnpg", "cnpg.io/instanceRole": "primary", "cnpg.io/podRole": "instance"},
			selector: map[string]string{"cnpg.io/cluster": "cnpg", "cnpg.io/instanceRole": "primary"},
		},
		{
			name: "zalando", document: "zalando.md", service: "acid-shop", database: "shop", container: "postgres",
			root: true, env: map[string]string{"PGPORT": "5432"},
			labels: map[string]string{"application": "spilo", "cluster-name": "acid-shop", "spilo-role": "master"},
		},
		{
			name:      "crunchy",
			document:  "crunchy.md",
			service:   "hippo-primary",
			database:  "hippo",
			container: "database",
			socketDir: "/tmp/postgres",
			env:       with(peer, "PGHOST", "/tmp/postgres"),
			labels: map[string]string{
				"postgres-operator.crunchydata.com/cluster": "hippo",
				"postgres-operator.crunchydata.com/role":    "master",
			},
		},
		{
			name:      "bitnami",
			document:  "bitnami.md",
			service:   "shop-postgresql",
			database:  "shop",
			container: "postgresql",
			env: map[string]string{
				"POSTGRES_INITDB_ARGS":       "--auth=md5",
				"POSTGRES_HOST_AUTH_METHOD":  "md5",
				"POSTGRES_USER":              "postgres",
				"POSTGRES_POSTGRES_PASSWORD": adminPassword,
			},
			labels: map[string]string{
				"app.kubernetes.io/name":      "postgresql",
				"app.kubernetes.io/instance":  "shop",
				"app.kubernetes.io/component": "primary",
			},
			selector: map[string]string{"app.kubernetes.io/name": "postgresql", "app.kubernetes.io/component": "primary"},
		},
	}
}

// pod is the server's Pod, with a sidecar as operators have them.
func (o operated) pod() *corev1.Pod {
	env := map[string]string{"POSTGRES_DB": o.database}
	maps.Copy(env, o.env)
	return postgresPod(o.name, "postgres:17", env, func(pod *corev1.Pod) {
		for name, value := range o.labels {
			pod.Labels[name] = value
		}
		database := &pod.Spec.Containers[0]
		database.Name, database.Args = o.container, o.args
		if !o.root {
			database.SecurityContext = &corev1.SecurityContext{RunAsUser: new(int64(postgresUser)), RunAsGroup: new(int64(postgresUser))}
			database.VolumeMounts = append(database.VolumeMounts, corev1.VolumeMount{Name: "data", MountPath: "/data"})
			database.Env = append(database.Env, corev1.EnvVar{Name: "PGDATA", Value: "/data/pgdata"})
			pod.Spec.SecurityContext = &corev1.PodSecurityContext{FSGroup: new(int64(postgresUser))}
			pod.Spec.Volumes = append(pod.Spec.Volumes, emptyDir("data"))
		}
		if o.socketDir != "" {
			database.Args = append(database.Args, "-c", "unix_socket_directories="+o.socketDir)
			database.VolumeMounts = append(database.VolumeMounts, corev1.VolumeMount{Name: "socket", MountPath: o.socketDir})
			pod.Spec.Volumes = append(pod.Spec.Volumes, emptyDir("socket"))
		}
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: "sidecar", Image: appImage})
	})
}

func emptyDir(name string) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}
}

// primaryService creates the Service of the primary, with a selector or with endpoints of its own.
func (f *fixture) primaryService(o operated, pod *corev1.Pod) {
	f.t.Helper()
	name := o.service
	f.create(&corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.ServiceSpec{
			Selector: o.selector,
			Ports:    []corev1.ServicePort{{Name: "postgresql", Port: 5432, TargetPort: intstr.FromInt32(5432)}},
		},
	})
	if o.selector != nil {
		return
	}
	f.create(&discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Name: name, Labels: map[string]string{discoveryv1.LabelServiceName: name}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: new("postgresql"), Port: new(int32(5432))}},
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{pod.Status.PodIP}}},
	})
}

func TestDatabasesOfOperators(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	f.create(passwordSecret())
	f.create(
		&corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: "shop-postgresql"},
			StringData: map[string]string{"postgres-password": adminPassword},
		},
	)
	f.idle("of-cnpg", "of-zalando", "of-crunchy", "of-bitnami", "web")
	var pods []*corev1.Pod
	for _, o := range operators() {
		pods = append(pods, o.pod())
	}
	f.startPostgres(pods...)
	for _, o := range operators() {
		t.Run(o.name, func(t *testing.T) {
			f := f.in(t)
			pod, err := f.Client.CoreV1().Pods(f.Name).Get(f.ctx, o.name, metav1.GetOptions{})
			require.NoError(t, err)
			f.primaryService(o, pod)
			f.eventually("the Service reaches the server", func() bool {
				return f.run(f.inPod(o.name, "pg_isready --quiet --host="+o.service)).Code == 0
			})

			result := f.bind("deployment/of-"+o.name, "--postgres=pod/"+o.name, "--secret="+o.name)

			assert.Contains(t, result.Stderr, "verified")
			assert.Equal(t, o.service+"."+f.Name+".svc.cluster.local", f.login(o.name).Host)
			login := f.login(o.name)
			byService := []string{"deployment/of-" + o.name, "--postgres=service/" + o.service, "--secret=" + o.name}
			f.bind(byService...)
			assert.Equal(t, login, f.login(o.name), "the same database by another name")
			assert.Contains(t, f.bind(byService...).Stdout, "deployment.apps/of-"+o.name+" unchanged")
			f.follow(howTo(o.document))
		})
	}
}
