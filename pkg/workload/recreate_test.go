package workload_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

const podPath = podsPath + "/web"

// serverSetPod returns the Pod "web" as the API server stores it, and as its author wrote it.
func serverSetPod() (kept, written *corev1.Pod) {
	spec := template("app").Spec
	spec.Volumes = []corev1.Volume{{Name: "data"}}
	spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "data", MountPath: "/data"}}
	hour := int64(3600)
	spec.Tolerations = []corev1.Toleration{
		{Key: "node.kubernetes.io/not-ready", Operator: "Exists", Effect: "NoExecute", TolerationSeconds: &hour},
	}
	spec.ServiceAccountName = "default"
	written = &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "web", Labels: map[string]string{"app": "web"},
		Annotations: map[string]string{"team": "shop"}}, Spec: spec}

	kept = written.DeepCopy()
	kept.UID, kept.ResourceVersion, kept.Generation, kept.CreationTimestamp = "uid-1", "12", 1, metav1.Now()
	kept.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}
	kept.Status.Phase = corev1.PodRunning
	kept.Spec.NodeName = "node-1"
	priority, never, seconds := int32(0), corev1.PreemptLowerPriority, int64(300)
	kept.Spec.Priority, kept.Spec.PreemptionPolicy = &priority, &never
	for _, key := range []string{"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"} {
		kept.Spec.Tolerations = append(
			kept.Spec.Tolerations,
			corev1.Toleration{Key: key, Operator: "Exists", Effect: "NoExecute", TolerationSeconds: &seconds},
		)
	}
	token := corev1.VolumeSource{
		Projected: &corev1.ProjectedVolumeSource{
			Sources: []corev1.VolumeProjection{{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token"}}},
		},
	}
	kept.Spec.Volumes = append(kept.Spec.Volumes, corev1.Volume{Name: "kube-api-access-x", VolumeSource: token})
	kept.Spec.Containers[0].VolumeMounts = append(
		kept.Spec.Containers[0].VolumeMounts,
		corev1.VolumeMount{Name: "kube-api-access-x", MountPath: "/var/run/secrets/kubernetes.io/serviceaccount"},
	)
	kept.Spec.EphemeralContainers = []corev1.EphemeralContainer{
		{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debugger"}},
	}
	return kept, written
}

// podCluster serves the Pod "web" and records what is created.
type podCluster struct {
	tried, created *corev1.Pod
	refuseTrial    *apierrors.StatusError
	refuseCreate   *apierrors.StatusError
	loseCreate     bool // the next creation succeeds, but the connection breaks before its response
	deleted        bool
}

// serve registers the requests and checks their order: dry run, deletion, creation.
func (p *podCluster) serve(t *testing.T, server *apiServer, kept *corev1.Pod) {
	t.Helper()
	server.on("GET "+podPath, func(w http.ResponseWriter, _ *http.Request) {
		if p.created != nil {
			created := p.created.DeepCopy()
			created.UID = "uid-2"
			writeJSON(w, http.StatusOK, withKind(created))
			return
		}
		if p.deleted {
			writeStatus(w, notFound("pods", "web"))
			return
		}
		writeJSON(w, http.StatusOK, withKind(kept))
	})
	server.on("DELETE "+podPath, func(w http.ResponseWriter, r *http.Request) {
		options := &metav1.DeleteOptions{}
		decode(t, r, options)
		assert.Equal(t, metav1.NewUIDPreconditions("uid-1"), options.Preconditions)
		assert.NotNil(t, p.tried, "the dry run comes before the deletion")
		p.deleted = true
		writeJSON(w, http.StatusOK, withKind(kept))
	})
	server.on("POST "+podsPath, func(w http.ResponseWriter, r *http.Request) {
		pod := &corev1.Pod{}
		decode(t, r, pod)
		pod.TypeMeta = metav1.TypeMeta{}
		assert.Equal(t, fieldManager, r.URL.Query().Get("fieldManager"))
		refused, slot := p.refuseCreate, &p.created
		if r.URL.Query().Get("dryRun") == metav1.DryRunAll {
			refused, slot = p.refuseTrial, &p.tried
		} else {
			assert.True(t, p.deleted, "the deletion comes before the creation")
		}
		if refused != nil {
			writeStatus(w, refused)
			return
		}
		if slot == &p.created && p.created != nil {
			writeStatus(w, apierrors.NewAlreadyExists(corev1.Resource("pods"), "web"))
			return
		}
		*slot = pod
		if slot == &p.created && p.loseCreate {
			p.loseCreate = false
			panic(http.ErrAbortHandler)
		}
		answered := pod.DeepCopy()
		answered.UID = "uid-2"
		writeJSON(w, http.StatusCreated, withKind(answered))
	})
}

func newPodCluster(t *testing.T, kept *corev1.Pod) (*podCluster, *apiServer, *workload.Client, *workload.Workload) {
	t.Helper()
	server, client := newAPIServer(t)
	p := &podCluster{}
	p.serve(t, server, kept)
	ws, err := client.Get(t.Context(), namespace, []string{"pod/web"})
	require.NoError(t, err)
	return p, server, client, ws[0]
}

// bind is the change in these tests.
func bind(w *workload.Workload) error {
	w.SetAnnotation("pgbind.dev/bindings", "x")
	return reference(workload.InjectEnvFrom).Add(w.Template())
}

func TestRecreatePod_ReplacesPod(t *testing.T) {
	kept, written := serverSetPod()
	p, _, client, w := newPodCluster(t, kept)
	got, changed, err := client.RecreatePod(t.Context(), w, bind, false)
	require.NoError(t, err)
	assert.True(t, changed)
	assert.EqualValues(t, "uid-2", got.UID())
	written.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{envFrom("", ours)}
	written.Annotations["pgbind.dev/bindings"] = "x"
	assert.Equal(t, written, p.created)
	assert.Empty(t, p.tried.Name)
	assert.Equal(t, "web-", p.tried.GenerateName)
	assert.Equal(t, written.Spec, p.tried.Spec)
}

func TestRecreatePod_StopsBeforeDeletion(t *testing.T) {
	kept, _ := serverSetPod()
	t.Run("if the API server rejects the new Pod", func(t *testing.T) {
		p, _, client, w := newPodCluster(t, kept)
		p.refuseTrial = apierrors.NewBadRequest("policy says no")
		_, _, err := client.RecreatePod(t.Context(), w, bind, false)
		require.ErrorContains(t, err, "the old one was kept: policy says no")
		assert.False(t, p.deleted)
	})
	t.Run("with a dry run", func(t *testing.T) {
		p, _, client, w := newPodCluster(t, kept)
		got, changed, err := client.RecreatePod(t.Context(), w, bind, true)
		require.NoError(t, err)
		assert.True(t, changed)
		assert.True(t, reference(workload.InjectEnvFrom).Present(got.Template()))
		assert.False(t, p.deleted)
	})
	t.Run("without a change", func(t *testing.T) {
		p, server, client, w := newPodCluster(t, kept)
		_, changed, err := client.RecreatePod(t.Context(), w, func(*workload.Workload) error { return nil }, false)
		require.NoError(t, err)
		assert.False(t, changed)
		assert.Nil(t, p.tried)
		assert.Equal(t, []string{"GET " + podPath}, server.sent())
	})
	for name, spoil := range map[string]func(*corev1.Pod){
		"controlled by replicaset.apps/rs": func(p *corev1.Pod) {
			p.OwnerReferences = []metav1.OwnerReference{ownedBy("apps/v1", "ReplicaSet", "rs")}
		},
		"static Pod of node node-1": func(p *corev1.Pod) { p.Annotations[corev1.MirrorPodAnnotationKey] = "hash" },
	} {
		t.Run(name, func(t *testing.T) {
			kept, _ := serverSetPod()
			spoil(kept)
			p, _, client, w := newPodCluster(t, kept)
			_, _, err := client.RecreatePod(t.Context(), w, bind, false)
			require.ErrorContains(t, err, name)
			assert.Nil(t, p.tried)
		})
	}
}

func TestRecreatePod_ReturnsLostPod(t *testing.T) {
	kept, _ := serverSetPod()
	p, _, client, w := newPodCluster(t, kept)
	p.refuseCreate = apierrors.NewBadRequest("policy says no")
	_, _, err := client.RecreatePod(t.Context(), w, bind, false)
	var lost *workload.LostPodError
	require.ErrorAs(t, err, &lost)
	assert.True(t, apierrors.IsBadRequest(err))
	assert.Equal(t, "web", lost.Pod.Name)
	assert.Empty(t, lost.Pod.Spec.NodeName)
	assert.ErrorContains(t, err, "kubectl create -f")
}

func TestRecreatePod_FindsThePodIfTheResponseIsLost(t *testing.T) {
	kept, _ := serverSetPod()
	p, _, client, web := newPodCluster(t, kept)
	p.loseCreate = true
	created, changed, err := client.RecreatePod(t.Context(), web, bind, false)
	require.NoError(t, err)
	assert.True(t, changed)
	assert.Equal(t, "uid-2", string(created.UID()))
}

func TestRecreatePod_ReportsAPodOfAnotherWriter(t *testing.T) {
	kept, _ := serverSetPod()
	p, server, client, web := newPodCluster(t, kept)
	server.on("POST "+podsPath, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("dryRun") == metav1.DryRunAll {
			pod := &corev1.Pod{}
			decode(t, r, pod)
			p.tried = pod
			writeJSON(w, http.StatusCreated, withKind(pod))
			return
		}
		p.created = kept.DeepCopy()
		writeStatus(w, apierrors.NewAlreadyExists(corev1.Resource("pods"), "web"))
	})
	_, _, err := client.RecreatePod(t.Context(), web, bind, false)
	var lost *workload.LostPodError
	require.ErrorAs(t, err, &lost)
}

func TestRecreatePod_CreatesPodAfterEndOfContext(t *testing.T) {
	kept, _ := serverSetPod()
	p, server, client, w := newPodCluster(t, kept)
	ctx, cancel := context.WithCancel(t.Context())
	server.on("DELETE "+podPath, func(rw http.ResponseWriter, _ *http.Request) {
		cancel()
		p.deleted = true
		writeJSON(rw, http.StatusOK, withKind(kept))
	})
	_, changed, err := client.RecreatePod(ctx, w, bind, false)
	require.NoError(t, err)
	assert.True(t, changed)
	assert.NotNil(t, p.created, "the Pod is created after its deletion")
}

func TestRecreatePod_DeletesNothingAfterEndOfContext(t *testing.T) {
	kept, _ := serverSetPod()
	p, server, client, w := newPodCluster(t, kept)
	ctx, cancel := context.WithCancel(t.Context())
	server.on("POST "+podsPath, func(rw http.ResponseWriter, r *http.Request) {
		body(t, r)
		cancel()
		writeJSON(rw, http.StatusCreated, withKind(kept))
	})
	_, _, err := client.RecreatePod(ctx, w, bind, false)
	require.ErrorIs(t, err, context.Canceled)
	assert.False(t, p.deleted)
}

func TestRecreatePod_RejectsOtherKinds(t *testing.T) {
	_, client, w := newStore(t)
	_, _, err := client.RecreatePod(t.Context(), w, bind, false)
	assert.ErrorContains(t, err, "deployment.apps/web is not a Pod")
}
