//go:build e2e && patroni

package e2e

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/yaml"
)

// patroniConfig is what all layouts share. Patroni takes the rest from its environment.
//
//go:embed patroni.yml
var patroniConfig string

const (
	patroniPort = 8008
	// healTime limits the time until all members of a cluster run and follow the leader.
	healTime = 3 * time.Minute
	client   = "client" // the Pod from which applications log in
)

// patroni is a running Patroni cluster of three members.
type patroni struct {
	*fixture
	patroniLayout
}

func startPatroni(t *testing.T, l patroniLayout) *patroni {
	t.Helper()
	p := &patroni{fixture: newNamespace(t), patroniLayout: l}
	p.create(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "patroni"}})
	p.create(&rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "patroni"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"configmaps", "endpoints", "pods", "services"}, Verbs: []string{"*"}},
	}})
	p.create(&rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "patroni"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "patroni"},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: "patroni", Namespace: p.Name}},
	})
	p.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "patroni"}, StringData: map[string]string{"patroni.yml": p.config()}})
	for _, service := range l.services {
		p.create(service)
	}
	p.leadsToService("hippo-primary", "hippo-ha")
	p.create(p.statefulSet())
	psql := databasePod(client, corev1.Container{Name: client, Image: "patroni:" + l.major, Command: []string{"sleep", "infinity"}})
	p.create(psql)
	p.ready(client)
	p.healthy()
	p.onPrimary("CREATE DATABASE " + l.database)
	return p
}

// in returns the same cluster, for a subtest.
func (p *patroni) in(t *testing.T) *patroni {
	t.Helper()
	return &patroni{fixture: p.fixture.in(t), patroniLayout: p.patroniLayout}
}

// leadsToService makes the endpoints of a headless Service the address of another one, as Crunchy PGO does.
func (p *patroni) leadsToService(name, leader string) {
	p.t.Helper()
	if p.leader != name {
		return
	}
	service, err := p.Client.CoreV1().Services(p.Name).Get(p.ctx, leader, metav1.GetOptions{})
	require.NoError(p.t, err)
	p.create(&discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Name: name, Labels: map[string]string{discoveryv1.LabelServiceName: name}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: new("postgresql"), Port: new(int32(5432))}},
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{service.Spec.ClusterIP}}},
	})
}

// config is Patroni's configuration file: the shared part, and that of the layout.
func (p *patroni) config() string {
	var all map[string]any
	require.NoError(p.t, yaml.Unmarshal([]byte(patroniConfig), &all))
	all["scope"] = p.scope
	kubernetes := map[string]any{"labels": p.labels, "scope_label": p.scopeLabel, "role_label": p.roleLabel, "use_endpoints": p.endpoints}
	if p.endpoints {
		kubernetes["ports"] = []map[string]any{{"name": "postgresql", "port": 5432}}
	}
	all["kubernetes"] = kubernetes
	all["bootstrap"].(map[string]any)["dcs"].(map[string]any)["synchronous_mode"] = p.sync
	postgresql := all["postgresql"].(map[string]any)
	postgresql["bin_dir"] = "/usr/lib/postgresql/" + p.major + "/bin"
	if p.socketDir != "" {
		postgresql["parameters"].(map[string]any)["unix_socket_directories"] = p.socketDir
	}
	text, err := yaml.Marshal(all)
	require.NoError(p.t, err)
	return string(text)
}

func (p *patroni) statefulSet() *appsv1.StatefulSet {
	labels := map[string]string{p.scopeLabel: p.scope}
	maps.Copy(labels, p.labels)
	field := func(name, path string) corev1.EnvVar {
		return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: path}}}
	}
	server := corev1.Container{
		Name: p.container, Image: "patroni:" + p.major, Command: []string{"patroni", "/etc/patroni/patroni.yml"},
		Ports: []corev1.ContainerPort{{Name: "patroni", ContainerPort: patroniPort}, {Name: "postgresql", ContainerPort: 5432}},
		Env: []corev1.EnvVar{
			field(
				"PATRONI_NAME",
				"metadata.name",
			),
			field("PATRONI_KUBERNETES_NAMESPACE", "metadata.namespace"),
			field("PATRONI_KUBERNETES_POD_IP", "status.podIP"),
			{Name: "PATRONI_POSTGRESQL_CONNECT_ADDRESS", Value: "$(PATRONI_KUBERNETES_POD_IP):5432"},
			{Name: "PATRONI_RESTAPI_CONNECT_ADDRESS", Value: fmt.Sprintf("$(PATRONI_KUBERNETES_POD_IP):%d", patroniPort)},
		},
		VolumeMounts: []corev1.VolumeMount{{Name: "config", MountPath: "/etc/patroni"}, {Name: "data", MountPath: "/data"}},
		ReadinessProbe: &corev1.Probe{PeriodSeconds: 2, TimeoutSeconds: 10, FailureThreshold: 5, ProbeHandler: corev1.ProbeHandler{
			HTTPGet: &corev1.HTTPGetAction{Path: "/readiness", Port: intstr.FromInt32(patroniPort)},
		}},
	}
	pod := corev1.PodSpec{
		ServiceAccountName:            "patroni",
		TerminationGracePeriodSeconds: new(int64(5)),
		Volumes: []corev1.Volume{
			emptyDir("data"),
			{Name: "config", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "patroni"}}},
		},
	}
	if p.root {
		server.Command = []string{
			"sh",
			"-c",
			"install --directory --owner=postgres --group=postgres /data && exec setpriv --reuid=postgres --regid=postgres --clear-groups patroni /etc/patroni/patroni.yml",
		}
	} else {
		pod.SecurityContext = &corev1.PodSecurityContext{
			RunAsUser:  new(int64(postgresUser)),
			RunAsGroup: new(int64(postgresUser)),
			FSGroup:    new(int64(postgresUser)),
		}
	}
	if p.socketDir != "" {
		server.Env = append(server.Env, corev1.EnvVar{Name: "PGHOST", Value: p.socketDir})
		server.VolumeMounts = append(server.VolumeMounts, corev1.VolumeMount{Name: "socket", MountPath: p.socketDir})
		pod.Volumes = append(pod.Volumes, emptyDir("socket"))
	}
	pod.Containers = []corev1.Container{server}
	return &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: p.name, Labels: labels},
		Spec: appsv1.StatefulSetSpec{
			Replicas: new(int32(3)), ServiceName: p.name, PodManagementPolicy: appsv1.ParallelPodManagement,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: pod},
		},
	}
}

// members are the names of the Pods.
func (p *patroni) members() []string { return []string{p.name + "-0", p.name + "-1", p.name + "-2"} }

// member is what Patroni's REST API says of a member.
type member struct {
	Name, Role, State string
	Lag               any
}

// rest sends a request to the REST API of the Patroni in a Pod, through the API server.
func (p *patroni) rest(pod, verb, path, body string) ([]byte, error) {
	return p.Client.CoreV1().RESTClient().Verb(verb).Namespace(p.Name).Resource("pods").Name(pod + ":" + strconv.Itoa(patroniPort)).
		SubResource("proxy").Suffix(path).Body([]byte(body)).DoRaw(p.ctx)
}

// cluster returns what Patroni knows of its members.
func (p *patroni) cluster() []member {
	for _, pod := range p.members() {
		answer, err := p.rest(pod, "GET", "cluster", "")
		var all struct{ Members []member }
		if err == nil && json.Unmarshal(answer, &all) == nil {
			return all.Members
		}
	}
	return nil
}

// inSQL runs SQL as the administrator in a member's Pod. It fails if the server does not answer.
func (p *patroni) inSQL(pod, database, sql string) (string, error) {
	out, err := p.Kubectl(
		"exec", "--stdin", pod, "--container="+p.container, "--", "psql", "--username=postgres", "--dbname="+database,
		"--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1", "--file=-",
	).Stdin(sql).Output(p.ctx)
	return strings.TrimSpace(out), err
}

// primary returns the one Pod whose server takes writes, according to the servers, or an empty string.
func (p *patroni) primary() string {
	var found []string
	for _, pod := range p.members() {
		if answer, err := p.inSQL(pod, "postgres", "SELECT pg_is_in_recovery()"); err == nil && answer == "f" {
			found = append(found, pod)
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// onPrimary runs SQL on the primary.
func (p *patroni) onPrimary(sql string) string {
	p.t.Helper()
	out, err := p.inSQL(p.healthy(), "postgres", sql)
	require.NoError(p.t, err)
	return out
}

// isHealthy returns the leader if it and two followers run without lag, and, in synchronous mode, if one of them is synchronous.
func (p *patroni) isHealthy() (leader string, healthy bool) {
	followers, sync := 0, 0
	for _, m := range p.cluster() {
		running := m.State == "running" || m.State == "streaming"
		switch {
		case m.Role == "leader" && running:
			leader = m.Name
		case running && fmt.Sprint(m.Lag) == "0":
			followers++
		}
		if m.Role == "sync_standby" {
			sync++
		}
	}
	if leader == "" || followers != 2 || p.sync && sync == 0 {
		return leader, false
	}
	streams, err := p.inSQL(
		leader, "postgres",
		"SELECT NOT pg_is_in_recovery() AND (SELECT count(*) = 2 FROM pg_stat_replication WHERE state = 'streaming')",
	)
	return leader, err == nil && streams == "t"
}

// healthy waits until the cluster is healthy, and returns its leader.
func (p *patroni) healthy() (leader string) {
	p.t.Helper()
	err := wait.PollUntilContextTimeout(p.ctx, 500*time.Millisecond, healTime, true, func(context.Context) (healthy bool, _ error) {
		leader, healthy = p.isHealthy()
		return healthy, nil
	})
	require.NoError(p.t, err, "the cluster is healthy; it is: %v", p.cluster())
	return leader
}

// switchover has Patroni hand over from the leader to another member, and returns when Patroni names another leader. On
// a busy machine, Patroni answers 503 if the handover takes longer than it waits, and 412 while no member answers its
// question in time.
func (p *patroni) switchover(leader string) error {
	var answer []byte
	var err error
	polled := wait.PollUntilContextTimeout(p.ctx, time.Second, 2*time.Minute, true, func(context.Context) (bool, error) {
		if slices.ContainsFunc(p.cluster(), func(m member) bool { return m.Role == "leader" && m.Name != leader }) {
			return true, nil
		}
		answer, err = p.rest(leader, "POST", "switchover", fmt.Sprintf(`{"leader": %q}`, leader))
		return err == nil, nil
	})
	if polled != nil {
		return fmt.Errorf("switchover from %s: %w: %s: %v", leader, err, answer, p.cluster())
	}
	return nil
}

// kill kills the leader's server. Patroni promotes another member, and brings the former leader back with pg_rewind.
func (p *patroni) kill(leader string) error {
	_, err := p.Kubectl(
		"exec", leader, "--container="+p.container, "--", "sh", "-c",
		`kill -KILL "$(head -n 1 /data/pgdata/postmaster.pid)"`,
	).Output(p.ctx)
	return err
}

// asApplication runs SQL with everything that the Secret says, from a Pod that is not a member.
func (p *patroni) asApplication(secret, sql string) (string, error) {
	stored, err := p.Client.CoreV1().Secrets(p.Name).Get(p.ctx, secret, metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	value := func(key string) string { return string(stored.Data[key]) }
	out, err := p.Kubectl(
		"exec",
		"--stdin",
		client,
		"--",
		"sh",
		"-c",
		`IFS= read -r PGPASSWORD; export PGPASSWORD; exec psql "$@"`,
		"psql",
		"--host="+value("POSTGRES_HOST"),
		"--port="+value("POSTGRES_PORT"),
		"--username="+value("POSTGRES_USERNAME"),
		"--dbname="+p.database,
		"--no-psqlrc",
		"--quiet",
		"--no-align",
		"--tuples-only",
		"--set=ON_ERROR_STOP=1",
		"--file=-",
	).Stdin(value("POSTGRES_PASSWORD") + "\n" + sql).Output(p.ctx)
	return strings.TrimSpace(out), err
}

// reaches requires that the login of the Secret soon writes to the primary.
func (p *patroni) reaches(secret string) {
	p.t.Helper()
	var out string
	var err error
	polled := wait.PollUntilContextTimeout(p.ctx, 500*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		out, err = p.asApplication(secret, "BEGIN; CREATE TABLE written (); ROLLBACK; SELECT pg_is_in_recovery()")
		return err == nil && out == "f", nil
	})
	require.NoError(p.t, polled, "%s: the application writes: %s %v", secret, out, err)
}

// host returns the host that the Secret of a binding must have.
func (p *patroni) host() string { return p.leader + "." + p.Name + ".svc.cluster.local" }
