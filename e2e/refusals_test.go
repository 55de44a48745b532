//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// refusal is a command line that must fail before anything is written.
type refusal struct {
	name    string
	command func(f *fixture) *harness.Command // prepares the cause of the refusal
	want    []string                          // of the message: the object, the cause, the next step
}

// workloadTraces prints a workload's generation, which follows its template, and its annotations but for kubectl's long one.
const workloadTraces = `{{range .items}}{{.kind}}/{{.metadata.name}} {{.metadata.generation}}
{{- range $key, $value := .metadata.annotations}}
  {{- if ne $key "kubectl.kubernetes.io/last-applied-configuration"}} {{$key}}={{$value}}{{end}}
{{- end}}
{{end}}`

// TestRefusals also compares the messages with those in docs/errors.md. "make errors" records them and writes the page.
func TestRefusals(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	var shown []recorded
	for _, test := range refusals() {
		t.Run(test.name, func(t *testing.T) {
			f := f.in(t)
			command := test.command(f)
			before := f.traces()
			result := f.run(command)
			t.Log(result.Stderr)
			shown = append(shown, recorded{test.name, f.withoutNames(command.String()), f.withoutNames(strings.TrimSpace(result.Stderr))})
			assert.Equal(t, 1, result.Code, result.Stdout)
			assert.Empty(t, result.Stdout)
			for _, words := range test.want {
				assert.Contains(t, result.Stderr, words)
			}
			assert.Equal(t, before, f.traces(), "nothing is left behind")
		})
	}
	if os.Getenv("PGBIND_WRITE_REFUSALS") != "" {
		text, err := json.MarshalIndent(shown, "", "  ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(recordedRefusals, append(text, '\n'), 0o600))
	}
	content, err := os.ReadFile(recordedRefusals)
	require.NoError(t, err)
	var want []recorded
	require.NoError(t, json.Unmarshal(content, &want))
	assert.Equal(t, want, shown, "docs/errors.md is not up to date: run make errors")
}

// recordedRefusals has the messages from which docs/errors.md is written.
const recordedRefusals = "docs/refusals.json"

// recorded is a refusal as docs/errors.md shows it.
type recorded struct {
	Cause   string `json:"cause"`
	Command string `json:"command"`
	Message string `json:"message"`
}

// withoutNames replaces or removes what differs from run to run: the namespace, the hash in the name of a ReplicaSet, and the words of
// the container runtime.
func (f *fixture) withoutNames(text string) string {
	text, _, _ = strings.Cut(text, ": the container runtime reported")
	text = strings.ReplaceAll(strings.ReplaceAll(text, " --namespace="+f.Name, ""), f.Name, lesson.Namespace)
	return regexp.MustCompile(lesson.Application+`-[0-9a-f]{8,10}\b`).ReplaceAllString(text, lesson.Application+"-HASH")
}

func refusals() []refusal {
	return []refusal{
		{"workload not found", func(f *fixture) *harness.Command {
			return f.Pgbind("deployment/missing")
		}, []string{"error: deployment.apps/missing not found in namespace ", "kubectl get deployments"}},
		{"quota that is used up", func(f *fixture) *harness.Command {
			quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "full"}}
			quota.Spec.Hard = corev1.ResourceList{"secrets": resource.MustParse("0")}
			f.create(quota)
			f.kubectl("wait", "resourcequota/full", "--for=jsonpath={.status.used}", "--timeout=60s")
			f.t.Cleanup(func() { f.delete("resourcequota", "full") })
			return f.Pgbind(application)
		}, []string{"exceeded quota: full", "kubectl describe resourcequota -n pgbind-"}},
		{"no such kind", func(f *fixture) *harness.Command {
			return f.Pgbind("deploymint/" + lesson.Application)
		}, []string{"deploymint", "did you mean deployment/" + lesson.Application + "?"}},
		{"workload owned by a controller", func(f *fixture) *harness.Command {
			return f.Pgbind("replicaset/" + f.ownedReplicaSet())
		}, []string{"replicaset", "deployment", lesson.Application}},
		{"workload that runs the database", func(f *fixture) *harness.Command {
			return f.Pgbind("statefulset/" + lesson.Database)
		}, []string{"statefulset", lesson.Database, lesson.DatabasePod}},
		{"database Pod not found", func(f *fixture) *harness.Command {
			return f.Pgbind(application, "--postgres=pod/elsewhere-0")
		}, []string{"elsewhere-0", "not found", "--postgres=service/postgresql-svc"}},
		{"database Pod not ready", func(f *fixture) *harness.Command {
			f.create(sleepingDatabase("sleeping"))
			f.waitForPod("sleeping", corev1.PodRunning)
			return f.Pgbind(application, "--postgres=pod/sleeping")
		}, []string{"sleeping", "ready", "--postgres=service/postgresql-svc"}},
		{"Secret without metadata", func(f *fixture) *harness.Command {
			f.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "foreign"}, StringData: map[string]string{"POSTGRES_HOST": "here"}})
			return f.Pgbind(application, "--secret=foreign")
		}, []string{"foreign", "--secret"}},
		{"several containers", func(f *fixture) *harness.Command {
			return f.on(deployment("pair", func(pod *corev1.PodSpec) {
				pod.Containers = append(pod.Containers, corev1.Container{Name: "sidecar", Image: appImage})
			}))
		}, []string{"pair", "sidecar", "-c "}},
		{"variable already set", func(f *fixture) *harness.Command {
			return f.on(deployment("configured", func(pod *corev1.PodSpec) {
				pod.Containers[0].Env = []corev1.EnvVar{{Name: "POSTGRES_HOST", Value: "elsewhere"}}
			}))
		}, []string{"configured", "POSTGRES_HOST"}},
		{"no programs at all in the database container", func(f *fixture) *harness.Command {
			return f.withDatabase(databasePod("empty", corev1.Container{Name: "empty", Image: appImage}))
		}, []string{"empty", "could not start program", "--postgres-container"}},
	}
}

// on creates the Deployment without Pods, and returns the command that binds it.
func (f *fixture) on(deployment *appsv1.Deployment) *harness.Command {
	f.t.Helper()
	deployment.Spec.Replicas = new(int32)
	f.create(deployment)
	f.rollout("deployment/" + deployment.Name)
	return f.Pgbind("deployment/" + deployment.Name)
}

// withDatabase creates the Pod with a Service, and returns the command that binds the application to it.
func (f *fixture) withDatabase(pod *corev1.Pod) *harness.Command {
	f.t.Helper()
	f.create(pod)
	f.create(&corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: pod.Name},
		Spec:       corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone, Selector: pod.Labels, Ports: []corev1.ServicePort{{Port: 5432}}},
	})
	_, err := f.Kubectl("wait", "--for=condition=Ready", "--timeout=60s", "pod/"+pod.Name).Output(f.ctx)
	require.NoError(f.t, err)
	return f.Pgbind(application, "--postgres=pod/"+pod.Name)
}

func (f *fixture) ownedReplicaSet() string {
	f.t.Helper()
	sets, err := f.Client.AppsV1().ReplicaSets(f.Name).List(f.ctx, metav1.ListOptions{LabelSelector: "app=postgresql-app"})
	require.NoError(f.t, err)
	require.Len(f.t, sets.Items, 1)
	return sets.Items[0].Name
}

func (f *fixture) waitForPod(name string, phase corev1.PodPhase) {
	f.t.Helper()
	_, err := f.Kubectl("wait", "--for=jsonpath={.status.phase}="+string(phase), "--timeout=60s", "pod/"+name).Output(f.ctx)
	require.NoError(f.t, err)
}

// traces returns everything that a bind can change: roles, names of Secrets and the state of every workload.
func (f *fixture) traces() []string {
	f.t.Helper()
	secrets, err := f.Kubectl(
		"get", "secrets", `--output=jsonpath={range .items[*]}{.metadata.name} {.metadata.resourceVersion}{"\n"}{end}`,
	).Output(f.ctx)
	require.NoError(f.t, err)
	workloads, err := f.Kubectl("get", "deployments,statefulsets,daemonsets", "--output=go-template="+workloadTraces).Output(f.ctx)
	require.NoError(f.t, err)
	return append([]string{f.roles()}, append(lines(secrets), lines(workloads)...)...)
}
