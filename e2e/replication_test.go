//go:build e2e

package e2e

import (
	"context"
	_ "embed"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/wait"
)

// replicaScript makes the last Pod of the StatefulSet the primary, so that the order of the Pods does not lead to it.
//
//go:embed replica.sh
var replicaScript string

// replicatedPostgres is a primary with two streaming standbys, without labels that tell which is which.
func (f *fixture) replicatedPostgres() {
	f.t.Helper()
	labels := map[string]string{"app": "pg"}
	f.create(passwordSecret())
	f.create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "pg"}, Data: map[string]string{"replica.sh": replicaScript}})
	f.create(&corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "pg"},
		Spec: corev1.ServiceSpec{
			ClusterIP: corev1.ClusterIPNone, Selector: labels, PublishNotReadyAddresses: true,
			Ports: []corev1.ServicePort{{Name: "postgresql", Port: 5432}},
		},
	})
	pod := corev1.PodSpec{
		TerminationGracePeriodSeconds: new(int64),
		Volumes: []corev1.Volume{{Name: "script", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: "pg"},
		}}}, {Name: "data", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}},
		Containers: []corev1.Container{
			{
				Name:           "database",
				Image:          "postgres:17",
				Command:        []string{"bash", "/script/replica.sh"},
				ReadinessProbe: ready(intstr.FromInt32(5432)),
				Env:            []corev1.EnvVar{{Name: "PGDATA", Value: "/data/pgdata"}},
				VolumeMounts:   []corev1.VolumeMount{{Name: "script", MountPath: "/script"}, {Name: "data", MountPath: "/data"}},
				Ports:          []corev1.ContainerPort{{Name: "postgresql", ContainerPort: 5432}},
			},
		},
	}
	f.create(&appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: "pg"},
		Spec: appsv1.StatefulSetSpec{
			Replicas: new(int32(3)), ServiceName: "pg", PodManagementPolicy: appsv1.ParallelPodManagement,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: pod},
		},
	})
	f.rollout("statefulset/pg")
	f.eventually("both standbys stream", func() bool {
		return f.sqlIn("pg-2", "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == "2"
	})
}

// sqlIn runs SQL as the administrator of the server in that Pod; empty if it fails.
func (f *fixture) sqlIn(pod, sql string) string {
	f.t.Helper()
	result := f.run(f.Kubectl("exec", "--stdin", pod, "--container=database", "--", "psql", "--username=postgres", "--no-psqlrc", "--quiet",
		"--no-align", "--tuples-only", "--file=-").Stdin(sql))
	if result.Code != 0 {
		return ""
	}
	return lines(result.Stdout)[0]
}

func (f *fixture) eventually(what string, done func() bool) {
	f.t.Helper()
	err := wait.PollUntilContextTimeout(
		f.ctx,
		500*time.Millisecond,
		time.Minute,
		true,
		func(context.Context) (bool, error) { return done(), nil },
	)
	require.NoError(f.t, err, what)
}

func TestPrimaryOfReplicatedServers(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	f.replicatedPostgres()
	f.idle("web", "late")

	refused := f.run(f.Pgbind("deployment/web", "--postgres=pod/pg-1"))
	assert.Equal(t, 1, refused.Code)
	assert.Contains(t, refused.Stderr, "pg-1")
	assert.Contains(t, refused.Stderr, "standby")
	for _, ref := range []string{"statefulset/pg", "service/pg"} {
		result := f.bind("deployment/web", "--postgres="+ref)
		assert.Contains(t, result.Stdout, "deployment.apps/web", "one binding, whichever way the database is named")
		assert.Contains(t, result.Stderr, "service/pg in namespace "+f.Name+" also leads to replicas")
	}
	roles := "SELECT count(*) FROM pg_roles WHERE rolname ~ '^pgb_' AND rolcanlogin"
	assert.Equal(t, "1", f.sqlIn("pg-2", roles))

	f.crash("pg-2")
	assert.Equal(t, "t", f.sqlIn("pg-1", "SELECT pg_promote(true, 30)"))

	f.bind("deployment/late", "--postgres=statefulset/pg")

	assert.Equal(t, "2", f.sqlIn("pg-1", roles), "the new primary has the login of before, and the new one")
}

// TestSynchronousStandbyHasTheRole stops what sends WAL to the standbys, and lets the primary crash as soon as the bind
// ends. A promise that the bind made without a standby is lost then.
func TestSynchronousStandbyHasTheRole(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	f.replicatedPostgres()
	f.idle("web", "late")
	f.requireStandbys("pg-2", "ANY 1 (*)", "quorum")

	senders := strings.Fields(f.sqlIn("pg-2", "SELECT string_agg(pid::text, ' ') FROM pg_stat_replication"))
	require.Len(t, senders, 2)
	pids := strings.Join(senders, " ")
	_, err := f.Kubectl(
		"exec", "pg-2", "--", "bash", "-c", "kill -STOP "+pids+"; (sleep 8; kill -CONT "+pids+") >/dev/null 2>&1 &",
	).Output(f.ctx)
	require.NoError(t, err)
	result := f.bind("deployment/web", "--postgres=pod/pg-2")
	assert.NotContains(t, result.Stderr, "synchronous")
	f.crash("pg-2")

	next := f.mostAdvanced("pg-0", "pg-1")
	assert.Equal(t, "t", f.sqlIn(next, "SELECT pg_promote(true, 30)"))
	roles := "SELECT count(*) FROM pg_roles WHERE rolname ~ '^pgb_' AND rolcanlogin"
	assert.Equal(t, "1", f.sqlIn(next, roles), "the role that was reported as bound outlives the failover")

	// No standby follows the new primary. The bind waits a limited time, and reports it.
	f.requireStandbys(next, "FIRST 1 (*)", "")
	started := time.Now()
	result = f.bind("deployment/late", "--postgres=pod/"+next)
	assert.Contains(t, result.Stderr, "is not on a synchronous standby yet")
	assert.Less(t, time.Since(started), 45*time.Second)
	assert.Equal(t, "2", f.sqlIn(next, roles))
}

// requireStandbys makes the commits of a server synchronous, and waits until its standbys are in the state.
func (f *fixture) requireStandbys(pod, names, state string) {
	f.t.Helper()
	f.sqlIn(pod, "ALTER SYSTEM SET synchronous_standby_names = '"+names+"'")
	f.sqlIn(pod, "SELECT pg_reload_conf()")
	f.eventually("the server requires standbys", func() bool {
		return f.sqlIn(pod, "SELECT current_setting('synchronous_standby_names')") == names &&
			(state == "" || f.sqlIn(pod, "SELECT bool_and(sync_state = '"+state+"') FROM pg_stat_replication") == "t")
	})
}

// crash ends the server of a Pod without a checkpoint, and keeps it down.
func (f *fixture) crash(pod string) {
	f.t.Helper()
	_, err := f.Kubectl(
		"exec", pod, "--", "sh", "-c",
		"touch /data/hold; exec setpriv --reuid=postgres --regid=postgres --clear-groups pg_ctl stop --mode=immediate --no-wait",
	).Output(f.ctx)
	require.NoError(f.t, err)
	_, err = f.Kubectl("wait", "--for=condition=Ready=false", "--timeout=60s", "pod/"+pod).Output(f.ctx)
	require.NoError(f.t, err)
}

// mostAdvanced returns the standby that received the most WAL.
func (f *fixture) mostAdvanced(pods ...string) string {
	f.t.Helper()
	slices.SortFunc(pods, func(a, b string) int {
		lsn := func(pod string) string {
			return f.sqlIn(pod, "SELECT lpad(to_hex((pg_last_wal_receive_lsn() - '0/0')::bigint), 16, '0')")
		}
		return strings.Compare(lsn(b), lsn(a))
	})
	return pods[0]
}
