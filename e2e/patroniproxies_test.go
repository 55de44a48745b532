//go:build e2e && patroni

package e2e

import (
	"fmt"
	"strings"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// haproxyConfig leads to the member whose Patroni says that it is the primary. A line for each member follows.
const haproxyConfig = `defaults
  mode tcp
  timeout connect 2s
  timeout client 1m
  timeout server 1m
listen primary
  bind *:6432
  option httpchk GET /primary
  http-check expect status 200
  default-server inter 1s fall 2 rise 1 on-marked-down shutdown-sessions
`

// proxy is a Pod in front of a cluster, with a Service of its name.
type proxy struct {
	name, image string
	command     []string // nil: that of the image
	files       map[string]string
}

// proxies are HAProxy, which asks Patroni for the primary, and PgBouncer in front of the primary's Service, which asks
// the server for users.
func (p *patroni) proxies() []proxy {
	haproxy := &strings.Builder{}
	haproxy.WriteString(haproxyConfig)
	for _, pod := range p.members() {
		fmt.Fprintf(haproxy, "  server %s %s.%s:5432 check port %d\n", pod, pod, p.name, patroniPort)
	}
	pgbouncer := strings.Replace(poolerConfig, "host=pg ", "host="+p.leader+" ", 1) + "auth_user = postgres\n"
	return []proxy{
		{
			"haproxy",
			"patroni:" + p.major,
			[]string{"haproxy", "-f", "/etc/pooler/haproxy.cfg"},
			map[string]string{"haproxy.cfg": haproxy.String()},
		},
		{"pgbouncer", "pgbouncer:dev", nil, map[string]string{"pgbouncer.ini": pgbouncer, "users.txt": `"postgres" "only-for-this-test"`}},
	}
}

// testProxies binds over each proxy, and changes the leader.
func (p *patroni) testProxies() {
	for _, x := range p.proxies() {
		p.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: x.name}, StringData: x.files})
		pod := databasePod(x.name, corev1.Container{
			Name:         x.name,
			Image:        x.image,
			Command:      x.command,
			VolumeMounts: []corev1.VolumeMount{{Name: "config", MountPath: "/etc/pooler"}},
			ReadinessProbe: &corev1.Probe{
				ProbeHandler:  corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(6432)}},
				PeriodSeconds: 1,
			},
		})
		pod.Spec.Volumes = []corev1.Volume{
			{Name: "config", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: x.name}}},
		}
		p.create(pod)
		p.create(&corev1.Service{
			ObjectMeta: metav1.ObjectMeta{
				Name: x.name,
			},
			Spec: corev1.ServiceSpec{Selector: pod.Labels, Ports: []corev1.ServicePort{{Port: 6432}}},
		})
		p.ready(x.name)
		p.eventually("the Service leads through "+x.name, func() bool {
			return p.run(p.Kubectl("exec", p.healthy(), "--", "pg_isready", "--quiet", "--host="+x.name, "--port=6432")).Code == 0
		})
		workload, host := "over-"+x.name, x.name+"."+p.Name+".svc.cluster.local"
		p.idle(workload)

		result := p.bind("deployment/"+workload, "--postgres=service/"+p.leader, "--dbname="+p.database, "--host="+host, "--port=6432")

		assert.Contains(p.t, result.Stderr, "over "+host+" verified")
		p.reaches(secretOf(workload))
		require.NoError(p.t, p.switchover(p.healthy()))
		p.healthy()
		p.reaches(secretOf(workload))
		p.bind("rotate", "deployment/"+workload, "--settle=1s")
		p.reaches(secretOf(workload))
		assert.Equal(p.t, host, p.login(secretOf(workload)).Host)
		p.bind("unbind", "deployment/"+workload)
	}
}
