//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// TestEveryKind binds each kind of workload by one of the names that kubectl has for it.
func TestEveryKind(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	onDelete := daemonSet("manual")
	onDelete.Spec.UpdateStrategy.Type = appsv1.OnDeleteDaemonSetStrategyType
	paused := deployment("paused", nil)
	paused.Spec.Paused = true
	for _, object := range []runtime.Object{
		deployment("deployed", nil), statefulSet("stateful"), daemonSet("daemon"), replicaSet("replicas"), replicationController("controller"),
		cronJob("nightly"), onDelete, paused,
	} {
		f.create(object)
	}
	for _, test := range []struct {
		args        []string
		name        string
		rollout     string // the expected message
		mustReplace string // the label of a Pod that the message must name
	}{
		{args: []string{"deploy/deployed"}, name: "deployment.apps/deployed", rollout: "successfully rolled out"},
		{args: []string{"sts", "stateful"}, name: "statefulset.apps/stateful", rollout: "partitioned roll out complete"},
		{args: []string{"daemonsets.apps/daemon"}, name: "daemonset.apps/daemon", rollout: "successfully rolled out"},
		{args: []string{"rs/replicas"}, name: "replicaset.apps/replicas", rollout: "--restart", mustReplace: "replicas"},
		{args: []string{"rc", "controller"}, name: "replicationcontroller/controller", rollout: "--restart", mustReplace: "controller"},
		{args: []string{"ds/manual"}, name: "daemonset.apps/manual", rollout: "OnDelete", mustReplace: "manual"},
		{args: []string{"cj/nightly"}, name: "cronjob.batch/nightly", rollout: "next run"},
		{args: []string{"deployment", "paused"}, name: "deployment.apps/paused", rollout: "kubectl rollout resume"},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			f := f.in(t)
			old := f.pods(test.mustReplace)

			result := f.bind(test.args...)

			bound := lines(result.Stdout)
			assert.Equal(t, test.name+" bound", bound[len(bound)-1])
			assert.Contains(t, result.Stderr, test.rollout)
			secret := strings.TrimSuffix(strings.TrimPrefix(bound[0], "secret/"), " created")
			assert.Equal(t, "1", f.as(secret, "SELECT 1"))
			if test.mustReplace == "" {
				return
			}
			require.Len(t, old, 1)
			assert.Contains(t, result.Stderr, "pod/"+old[0])

			result = f.bind(append(test.args, "--restart")...)

			assert.Contains(t, result.Stdout, test.name+" unchanged")
			assert.NotContains(t, f.pods(test.mustReplace), old[0])
			assert.Equal(t, secret, f.envFromOf("pods", "--selector=app="+test.mustReplace))
			again := f.pods(test.mustReplace)
			f.bind(append(test.args, "--restart")...)
			assert.Equal(t, again, f.pods(test.mustReplace), "Pods that have the Secret stay")
		})
	}
	t.Run("the next run has it", func(t *testing.T) {
		f := f.in(t)
		_, err := f.Kubectl("create", "job", "now", "--from=cronjob/nightly").Output(f.ctx)
		require.NoError(t, err)
		_, err = f.Kubectl("wait", "--for=condition=Complete", "--timeout=60s", "job/now").Output(f.ctx)
		require.NoError(t, err)
		environment, err := f.Kubectl("logs", "job/now").Output(f.ctx)
		require.NoError(t, err)
		assert.Contains(t, environment, "POSTGRES_HOST=postgresql-svc."+f.Name+".svc.cluster.local\n")
	})
}

func TestPodIsReplacedOnRequest(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.create(barePod("single"))
	f.ready("single")
	before := f.podUID()

	result := f.run(f.Pgbind("pod/single"))
	assert.Equal(t, 1, result.Code)
	assert.Contains(t, result.Stderr, "--recreate")
	assert.Contains(t, result.Stderr, "Deployment")

	dry := f.bind("pod/single", "--recreate", "--dry-run=server")
	assert.Contains(t, dry.Stdout, "pod/single bound (server dry run)")
	assert.Equal(t, before, f.podUID())

	result = f.bind("pod/single", "--recreate")
	assert.Contains(t, result.Stdout, "pod/single bound")
	after := f.podUID()
	assert.NotEqual(t, before, after)
	page, err := f.Kubectl("get", "--raw", fmt.Sprintf("/api/v1/namespaces/%s/pods/single:%s/proxy/", f.Name, lesson.AppPort)).Output(f.ctx)
	require.NoError(t, err)
	assert.Equal(t, lesson.Page, page)
	assert.Equal(t, after, f.eventOn("single"), "the Event is on the new Pod")

	roles := f.roles()
	for _, args := range [][]string{{"pod/single", "--recreate"}, {"pod/single"}} {
		result = f.bind(args...)
		assert.Contains(t, result.Stdout, "pod/single unchanged")
		assert.Equal(t, after, f.podUID())
		assert.Equal(t, roles, f.roles())
	}
}

func TestJobIsRefusedWithTheWayOut(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	f.create(&batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "once"}, Spec: job("once")})
	f.create(cronJob("nightly"))
	_, err := f.Kubectl("create", "job", "owned", "--from=cronjob/nightly").Output(f.ctx)
	require.NoError(t, err)
	for name, way := range map[string]string{"once": "create it again", "owned": "cronjob.batch/nightly"} {
		result := f.run(f.Pgbind("job/" + name))
		assert.Equal(t, 1, result.Code)
		assert.Contains(t, result.Stderr, "job.batch/"+name)
		assert.Contains(t, result.Stderr, way)
	}
}

func TestSeveralWorkloadsInOneCall(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.create(small(deployment("one", nil)))
	f.create(small(deployment("two", nil)))

	result := f.run(f.Pgbind("deploy/one", "deploy/missing", "sts/"+lesson.Database, "deploy/two"))

	assert.Equal(t, 1, result.Code)
	assert.Equal(t, []string{
		"secret/" + firstSecret + " created",
		"deployment.apps/one bound",
		"secret/" + secretOf("two") + " created",
		"deployment.apps/two bound",
	}, lines(result.Stdout))
	for _, words := range []string{`error: deployment.apps/missing not found in namespace`, "error: statefulset.apps/" + lesson.Database + " runs the database"} {
		assert.Contains(t, result.Stderr, words)
	}
	assert.NotEqual(t, f.login(firstSecret).Username, f.login(secretOf("two")).Username)
	result = f.bind("deployments", "one", "two")
	assert.Contains(t, result.Stdout, "deployment.apps/one unchanged\n")
	assert.Contains(t, result.Stdout, "deployment.apps/two unchanged\n")

	f.create(small(deployment("three", nil)))
	f.create(small(deployment("four", nil)))
	refused := f.run(f.Pgbind("bind", "deploy/three", "deploy/four", "--username=shop"))
	assert.Equal(t, 2, refused.Code)
	assert.Contains(t, refused.Stderr, "--username names the user of one workload")
	result = f.bind("bind", "deploy/three", "deploy/four", "-v=6")
	assert.Equal(t, 1, strings.Count(result.Stderr, " exec in pod/"), "one session creates both users")
	out := lines(result.Stdout)
	require.Len(t, out, 4)
	assert.Equal(t, []string{"deployment.apps/three bound", "deployment.apps/four bound"}, []string{out[1], out[3]})
}

// small removes the Pods of a Deployment if only its template matters.
func small(deployment *appsv1.Deployment) *appsv1.Deployment {
	deployment.Spec.Replicas = new(int32)
	return deployment
}

// pods returns the names of the Pods with the label app that are not terminating; none for an empty label.
func (f *fixture) pods(app string) []string {
	f.t.Helper()
	if app == "" {
		return nil
	}
	out, err := f.Kubectl("get", "pods", "--selector=app="+app, "--output=go-template="+
		`{{range .items}}{{if not .metadata.deletionTimestamp}}{{.metadata.name}} {{end}}{{end}}`).Output(f.ctx)
	require.NoError(f.t, err)
	return strings.Fields(out)
}

// envFromOf is the Secret that the first container of the only Pod refers to.
func (f *fixture) envFromOf(args ...string) string {
	f.t.Helper()
	args = append([]string{"get"}, args...)
	out, err := f.Kubectl(
		append(
			args,
			"--field-selector=status.phase=Running",
			`--output=go-template={{range .items}}{{if not .metadata.deletionTimestamp}}{{range (index .spec.containers 0).envFrom}}{{.secretRef.name}}{{end}}{{end}}{{end}}`,
		)...).Output(f.ctx)
	require.NoError(f.t, err)
	return out
}

func (f *fixture) ready(pod string) {
	f.t.Helper()
	_, err := f.Kubectl("wait", "--for=condition=Ready", "--timeout=90s", "pod/"+pod).Output(f.ctx)
	require.NoError(f.t, err)
}

func (f *fixture) podUID() string {
	f.t.Helper()
	pod, err := f.Client.CoreV1().Pods(f.Name).Get(f.ctx, "single", metav1.GetOptions{})
	require.NoError(f.t, err)
	return string(pod.UID)
}

// eventOn returns the UID of the object in a Bound Event, by name.
func (f *fixture) eventOn(name string) string {
	f.t.Helper()
	uids, err := f.Kubectl(
		"get", "events", "--field-selector=reason=Bound,involvedObject.name="+name,
		"--output=jsonpath={.items[*].involvedObject.uid}",
	).Output(f.ctx)
	require.NoError(f.t, err)
	return uids
}
