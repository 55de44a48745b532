package audit

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	metadatafake "k8s.io/client-go/metadata/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
)

// answers is a server that reports this.
type answers struct {
	audit *postgres.Audit
	err   error
}

func (a answers) Audit(context.Context) (*postgres.Audit, error) { return a.audit, a.err }

// testCluster is a cluster with a server in data, and applications in shop.
type testCluster struct {
	*fake.Clientset
	metadata *metadatafake.FakeMetadataClient
	servers  map[string]answers // by Pod
}

func owned(kind, api, name string) []metav1.OwnerReference {
	return []metav1.OwnerReference{{APIVersion: api, Kind: kind, Name: name, UID: types.UID("uid-" + name), Controller: new(true)}}
}

func newTestCluster() *testCluster {
	pg := podAt("data", "pg-0", "10.0.0.1")
	pg.Spec.Containers[0].Image = "postgres:17"
	pg.OwnerReferences = owned("StatefulSet", "apps/v1", "pg")
	pg.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	pg.Labels = map[string]string{"app": "pg"}
	web := podAt("shop", "web-1", "10.0.0.2")
	web.OwnerReferences = owned("ReplicaSet", "apps/v1", "web-rs")
	rollout := podAt("shop", "rollout-1", "10.0.0.3")
	rollout.OwnerReferences = owned("ReplicaSet", "apps/v1", "rollout-rs")
	report := podAt("shop", "report-1", "10.0.0.4")
	report.OwnerReferences = owned("Job", "batch/v1", "report-job")
	ended := podAt("shop", "ended", "10.0.0.5")
	ended.Status.Phase = corev1.PodSucceeded
	idle := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "idle", UID: "uid-idle"}}
	idle.Spec.Template.Spec.Containers = []corev1.Container{
		{Env: []corev1.EnvVar{{Name: "DB_HOST", Value: "pg.data"}, {Name: "DB_USER", Value: "idle"}}},
	}
	meta := func(kind, api, name string, owners []metav1.OwnerReference) *metav1.PartialObjectMetadata {
		return &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: api, Kind: kind},
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID("uid-" + name), OwnerReferences: owners}}
	}
	scheme := metadatafake.NewTestScheme()
	_ = metav1.AddMetaToScheme(scheme) // a constant scheme
	return &testCluster{
		Clientset: fake.NewClientset(&pg, &web, &rollout, &report, &ended, idle,
			&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "uid-web"}},
			&batchv1.CronJob{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "report", UID: "uid-report"}},
			&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1"}, Spec: corev1.NodeSpec{PodCIDRs: []string{"10.0.0.0/24"}},
				Status: corev1.NodeStatus{Addresses: []corev1.NodeAddress{{Address: "192.168.0.1"}}}},
			&discoveryv1.EndpointSlice{
				ObjectMeta: metav1.ObjectMeta{
					Namespace: "data",
					Name:      "pg-x",
					Labels:    map[string]string{discoveryv1.LabelServiceName: "pg"},
				},
				Endpoints: []discoveryv1.Endpoint{
					{Addresses: []string{"10.0.0.1"}, TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: "pg-0"}},
				},
			},
			&corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "data", Name: "pg"}, Spec: corev1.ServiceSpec{Selector: pg.Labels}}),
		metadata: metadatafake.NewSimpleMetadataClient(scheme,
			meta("ReplicaSet", "apps/v1", "web-rs", owned("Deployment", "apps/v1", "web")),
			meta("ReplicaSet", "apps/v1", "rollout-rs", owned("Rollout", "argoproj.io/v1alpha1", "canary")),
			meta("Job", "batch/v1", "report-job", owned("CronJob", "batch/v1", "report"))),
		servers: map[string]answers{},
	}
}

func (c *testCluster) auditor(t *testing.T) *Auditor {
	t.Helper()
	c.PrependReactor("*", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		assert.Contains(t, []string{"list", "get"}, action.GetVerb(), "an audit only reads")
		return false, nil, nil
	})
	return &Auditor{
		Kube: c, Metadata: c.metadata, Endpoints: server.NewFinder(c),
		Server: func(e *server.Endpoint) ServerReader { return c.servers[e.Pod.Name] },
		Resolve: func(context.Context, string, *metav1.OwnerReference) (*metav1.OwnerReference, error) {
			return nil, errors.New("forbidden")
		},
	}
}

func serverWithSessions(addresses ...string) *postgres.Audit {
	a := cleanFacts().audit
	a.Roles = append(a.Roles, postgres.AuditRole{Name: "idle", CanLogin: true, Password: "scram"})
	a.Sessions = nil
	for i, address := range addresses {
		a.Sessions = append(
			a.Sessions,
			postgres.AuditSession{
				Address:     address,
				Role:        "web",
				Database:    "shop",
				Application: "app",
				Count:       i + 1,
				Oldest:      time.Unix(int64(i), 0),
			},
		)
	}
	return a
}

func TestAudit_JoinsSessionsWithTheOwnersOfPods(t *testing.T) {
	c := newTestCluster()
	c.servers["pg-0"] = answers{
		audit: serverWithSessions("10.0.0.2", "10.0.0.3", "10.0.0.4", "::ffff:10.0.0.1", "", "10.0.0.0", "10.0.0.5"),
	}
	report, err := c.auditor(t).Audit(t.Context(), Options{})
	require.NoError(t, err)
	got := map[string]Access{}
	for _, a := range report.Accesses {
		got[a.Workload] = a
	}
	for workload, want := range map[string]Access{
		"deployment/web":        {Source: FromWorkload, Namespace: "shop", Sessions: 1},
		"replicaset/rollout-rs": {Source: FromWorkload, Namespace: "shop", Sessions: 2, Owner: "rollout.argoproj.io/canary"},
		"cronjob/report":        {Source: FromWorkload, Namespace: "shop", Sessions: 3},
		"pod/pg-0":              {Source: FromServer, Namespace: "data", Sessions: 9},
		"10.0.0.0":              {Source: FromUnknown, Sessions: 6},
		"10.0.0.5":              {Source: FromUnknown, Sessions: 7}, // its Pod has ended
		"deployment/idle":       {Source: FromWorkload, Namespace: "shop"},
	} {
		a := got[workload]
		assert.Equal(t, want, Access{Source: a.Source, Namespace: a.Namespace, Sessions: a.Sessions, Owner: a.Owner}, workload)
	}
	assert.Len(t, got, 7)
	assert.Equal(t, "idle", got["deployment/idle"].Role)
	assert.Equal(t, "names host pg.data", got["deployment/idle"].Reason)
	assert.Equal(t, "data/statefulset/pg", report.Servers[0].Name)
	assert.Equal(t, "15.4", report.Servers[0].Version)
	for _, action := range c.Actions() {
		assert.NotEqual(t, "secrets", action.GetResource().Resource, "no value of a Secret is read")
	}
}

func TestAudit_GoesOnAfterAServerThatCannotBeRead(t *testing.T) {
	c := newTestCluster()
	for _, name := range []string{"other-0", "client-0", "client-1"} {
		pod := podAt("data", name, "10.0.0.9")
		pod.Spec.Containers[0].Image = "postgres:17"
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		require.NoError(t, c.Tracker().Add(&pod))
	}
	c.servers["pg-0"] = answers{audit: serverWithSessions("10.0.0.2")}
	c.servers["other-0"] = answers{err: errors.New("no login")}
	c.servers["client-0"] = answers{err: &postgres.MissingProgramError{Program: "psql", Where: podexec.Container{Pod: "client-0"}}}
	c.servers["client-1"] = answers{err: fmt.Errorf("%w: no login", postgres.ErrNoServer)}
	report, err := c.auditor(t).Audit(t.Context(), Options{})
	require.EqualError(t, err, "audit data/pod/other-0: no login")
	require.Len(t, report.Servers, 1)
	assert.Equal(t, 1, report.Accesses[0].Sessions)
	var gaps []string
	for _, f := range report.Findings {
		if f.Object == "cluster" {
			gaps = append(gaps, f.Message)
		}
	}
	require.Len(t, gaps, 2)
	assert.Contains(t, gaps[0], `pod/client-0 has no program "psql"`)
	assert.Contains(t, gaps[1], "audit data/pod/client-1: no server takes connections there")
}

func TestAudit_SkipsStandbys(t *testing.T) {
	c := newTestCluster()
	standby := podAt("data", "pg-00", "10.0.0.8")
	pg, err := c.CoreV1().Pods("data").Get(t.Context(), "pg-0", metav1.GetOptions{})
	require.NoError(t, err)
	standby.Spec, standby.Status.Conditions, standby.OwnerReferences = pg.Spec, pg.Status.Conditions, pg.OwnerReferences
	require.NoError(t, c.Tracker().Add(&standby))
	c.servers["pg-0"], c.servers["pg-00"] = answers{err: postgres.ErrStandby}, answers{audit: serverWithSessions("10.0.0.2")}
	report, err := c.auditor(t).Audit(t.Context(), Options{})
	require.NoError(t, err)
	assert.Equal(t, "pg-00", report.Servers[0].Pod)
	assert.True(t, report.Worst(Info))
	assert.False(t, report.Worst(None))
	c.servers["pg-00"] = answers{err: postgres.ErrStandby}
	_, err = c.auditor(t).Audit(t.Context(), Options{})
	require.ErrorIs(t, err, postgres.ErrStandby)
}

func TestAudit_ReadsSecretsOnRequest(t *testing.T) {
	c := newTestCluster()
	for i, name := range []string{"a", "b"} {
		require.NoError(
			t,
			c.Tracker().Add(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}, Data: map[string][]byte{
				"host": []byte("pg.data.svc"), "user": []byte("idle"), "password": fmt.Appendf(nil, "cleartext%d", i)}}),
		)
		d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "uses-" + name, UID: types.UID("uid-" + name)}}
		d.Spec.Template.Spec.Containers = []corev1.Container{
			{
				EnvFrom: []corev1.EnvFromSource{
					{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: name}}},
				},
			},
		}
		require.NoError(t, c.Tracker().Add(d))
	}
	c.servers["pg-0"] = answers{audit: serverWithSessions()}
	report, err := c.auditor(t).Audit(
		t.Context(),
		Options{ReadSecrets: true, Ref: &server.Ref{Kind: "pod", Name: "pg-0", Namespace: "data"}},
	)
	require.NoError(t, err)
	assert.NotContains(t, fmt.Sprintf("%+v", report), "cleartext")
	assert.Equal(t, PasswordsDiffer, report.Findings[0].Code)
	reasons := map[string]string{}
	for _, a := range report.Accesses {
		reasons[a.Workload] = a.Role + " " + a.Reason
	}
	assert.Equal(t, "idle uses secret/b", reasons["deployment/uses-b"])
}

func TestAudit_SaysWhatCannotBeListed(t *testing.T) {
	c := newTestCluster()
	c.servers["pg-0"] = answers{audit: serverWithSessions("10.0.0.2")}
	refuse := func(resource string) {
		c.PrependReactor(
			"list",
			resource,
			func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New("forbidden") },
		)
	}
	refuse("nodes")
	refuse("cronjobs")
	report, err := c.auditor(t).Audit(t.Context(), Options{})
	require.NoError(t, err)
	var messages []string
	for _, f := range report.Findings {
		if f.Code == NotSeen {
			messages = append(messages, f.Message)
		}
	}
	assert.Equal(t, []string{"cronjobs cannot be listed: forbidden", "nodes cannot be listed: forbidden"}, messages)
	refuse("pods")
	_, err = c.auditor(t).Audit(t.Context(), Options{})
	require.EqualError(t, err, "list pods: forbidden")
}

func TestParseSeverity(t *testing.T) {
	_, err := ParseSeverity("bad")
	require.Error(t, err)
	for text, worse := range map[string]bool{"critical": true, "warning": true, "info": true, "none": false} {
		s, err := ParseSeverity(text)
		require.NoError(t, err)
		assert.Equal(t, worse, Critical.AtLeast(s), text)
	}
	assert.False(t, Info.AtLeast(Warning))
}

// BenchmarkAudit joins and judges 1,000 Pods, 100 roles and 500 sessions.
func BenchmarkAudit(b *testing.B) {
	f := cleanFacts()
	var pods []corev1.Pod
	for i := range 1000 {
		pod := podAt("shop", fmt.Sprint("pod-", i), netip.AddrFrom4([4]byte{10, 1, byte(i / 250), byte(i % 250)}).String())
		pods = append(pods, pod)
		f.cluster.workloads[pod.UID] = workloadRef{"shop", fmt.Sprint("deployment/web-", i/10), ""}
		f.template(fmt.Sprint("deployment/web-", i/10), fmt.Sprint("secret-", i/10))
	}
	for i := range 100 {
		f.audit.Roles = append(f.audit.Roles, postgres.AuditRole{Name: fmt.Sprint("role-", i), CanLogin: true})
	}
	for i := range 500 {
		f.session(netip.AddrFrom4([4]byte{10, 1, byte(i / 250), byte(i % 250)}).String(), fmt.Sprint("role-", i%100), "shop")
	}
	for b.Loop() {
		f.cluster.index = newPodIndex(pods, nil)
		if len(judged(f)) == 0 {
			b.Fatal("no finding")
		}
	}
}
