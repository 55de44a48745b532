//go:build e2e

package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// poolerConfig connects every database to the server. The lines that are appended decide which users the pooler accepts.
const poolerConfig = `[databases]
* = host=pg port=5432
[pgbouncer]
listen_addr = 0.0.0.0
listen_port = 6432
auth_type = scram-sha-256
auth_file = /etc/pooler/users.txt
`

// poolers starts two PgBouncers: one asks the server for unknown users, the other refuses all of them.
func (f *fixture) poolers() {
	f.t.Helper()
	users := `"postgres" "only-for-this-test"`
	for name, config := range map[string]string{"pgbouncer": poolerConfig + "auth_user = postgres\n", "closed": poolerConfig} {
		f.create(
			&corev1.Secret{
				ObjectMeta: metav1.ObjectMeta{Name: name},
				StringData: map[string]string{"pgbouncer.ini": config, "users.txt": users},
			},
		)
		pod := databasePod(name, corev1.Container{
			Name:         "pgbouncer",
			Image:        "pgbouncer:dev",
			VolumeMounts: []corev1.VolumeMount{{Name: "config", MountPath: "/etc/pooler"}},
			ReadinessProbe: &corev1.Probe{
				ProbeHandler:  corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(6432)}},
				PeriodSeconds: 1,
			},
		})
		pod.Spec.Volumes = []corev1.Volume{
			{Name: "config", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: name}}},
		}
		f.create(pod)
		f.create(&corev1.Service{
			ObjectMeta: metav1.ObjectMeta{
				Name: name,
			},
			Spec: corev1.ServiceSpec{Selector: pod.Labels, Ports: []corev1.ServicePort{{Port: 6432}}},
		})
	}
	for _, name := range []string{"pgbouncer", "closed"} {
		f.ready(name)
		f.eventually("the pooler reaches the server", func() bool {
			line := "PGPASSWORD=$POSTGRES_PASSWORD exec psql --username=postgres --host=" + name + " --port=6432 --command='SELECT 1'"
			return f.run(f.inPod("pg", line)).Code == 0
		})
	}
}

func TestPooler(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	f.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "admin"}, StringData: map[string]string{"password": "only-for-this-test"}})
	f.startPostgres(postgresPod("pg", "postgres:17", map[string]string{"POSTGRES_DB": "shop"}, nil))
	f.poolers()
	f.idle("web", "late")
	t.Run("commands of the document", func(t *testing.T) {
		f.in(t).follow(howTo("pgbouncer.md"))
	})

	result := f.bind("deployment/web", "--postgres=pod/pg", "--host=pgbouncer."+f.Name+".svc.cluster.local", "--port=6432")

	assert.Contains(t, result.Stderr, "over pgbouncer."+f.Name+".svc.cluster.local verified")
	secret := f.secret(secretOf("web"))
	assert.Equal(t, "6432", string(secret.Data["POSTGRES_PORT"]))
	f.bind("rotate", "deployment/web", "--grace=1s")
	assert.Equal(t, "pgbouncer."+f.Name+".svc.cluster.local", f.login(secretOf("web")).Host)

	closed := []string{"deployment/late", "--postgres=pod/pg", "--host=closed." + f.Name + ".svc.cluster.local", "--port=6432"}
	result = f.bind(closed...)

	assert.Contains(t, result.Stderr, "verified at the server, not through closed."+f.Name+".svc.cluster.local")
	assert.Contains(t, result.Stderr, "to the pooler")
	assert.Contains(t, f.bind(closed...).Stdout, "deployment.apps/late unchanged")
	check := f.run(f.Pgbind("check", "deployment/late"))
	assert.Equal(t, 1, check.Code, "the application cannot log in")
	require.Contains(t, check.Stdout, "closed."+f.Name)
}
