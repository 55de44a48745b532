package event

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	k8stesting "k8s.io/client-go/testing"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// steps collects what is reported.
type steps []string

func (s *steps) Step(format string, args ...any) { *s = append(*s, fmt.Sprintf(format, args...)) }

func deployment(t *testing.T, name string) *workload.Workload {
	t.Helper()
	w, err := workload.Of(&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "ns", UID: "uid-of-web"}})
	require.NoError(t, err)
	return w
}

func events(t *testing.T, kube *fake.Clientset) []corev1.Event {
	t.Helper()
	list, err := kube.CoreV1().Events("ns").List(context.Background(), metav1.ListOptions{})
	require.NoError(t, err)
	return list.Items
}

func TestRecorder_CountsUpWhatIsEqual(t *testing.T) {
	kube, reported := fake.NewClientset(), steps{}
	r, w := Recorder{Kube: kube, Report: &reported}, deployment(t, "web")
	for range 3 {
		r.Warning(t.Context(), w, UnbindFailed, errors.New("a transaction prevents it\nnext: roll it back"))
	}
	r.Warning(t.Context(), w, UnbindFailed, errors.New("another cause"))
	r.Normal(t.Context(), w, Unbound, "a transaction prevents it")

	counts := map[string]int32{}
	for _, e := range events(t, kube) {
		counts[e.Type+" "+e.Reason+" "+e.Action+" "+e.Message] = e.Count
		assert.Equal(t, "uid-of-web", string(e.InvolvedObject.UID))
		assert.Equal(t, "Deployment apps/v1 ns/web", e.InvolvedObject.Kind+" "+e.InvolvedObject.APIVersion+" "+e.InvolvedObject.Namespace+
			"/"+e.InvolvedObject.Name)
	}
	assert.Equal(t, map[string]int32{
		"Warning UnbindFailed Unbind a transaction prevents it": 3, "Warning UnbindFailed Unbind another cause": 1,
		"Normal Unbound Unbind a transaction prevents it": 1,
	}, counts)
	assert.Empty(t, reported)
}

func TestRecorder_WorksAfterTheEndOfItsContext(t *testing.T) {
	kube, reported := fake.NewClientset(), steps{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	Recorder{Kube: kube, Report: &reported}.Warning(ctx, deployment(t, "web"), BindFailed, context.Canceled)
	assert.Len(t, events(t, kube), 1)
}

func TestRecorder_ReportsErrorsButNoMissingPermission(t *testing.T) {
	events := schema.GroupResource{Resource: "events"}
	for cause, want := range map[error]steps{
		apierrors.NewForbidden(events, "", errors.New("no")): nil,
		apierrors.NewInternalError(errors.New("disk full")):  {"the Event Bound for deployment.apps/web is not recorded: Internal error occurred: disk full"},
	} {
		kube, reported := fake.NewClientset(), steps{}
		kube.PrependReactor("create", "events", func(k8stesting.Action) (bool, runtime.Object, error) { return true, nil, cause })
		Recorder{Kube: kube, Report: &reported}.Normal(t.Context(), deployment(t, "web"), Bound, "bound")
		assert.Equal(t, want, append(steps(nil), reported...))
	}
	Recorder{}.Normal(t.Context(), nil, Unbound, "there is no workload")
}

func TestRecorder_FitsTheLimitsOfTheAPIServer(t *testing.T) {
	kube := fake.NewClientset()
	name := strings.Repeat("a", 235) + ".-" + strings.Repeat("b", 16)
	Recorder{Kube: kube}.Warning(t.Context(), deployment(t, name), BindFailed, errors.New(strings.Repeat("ä", 600)))
	e := events(t, kube)[0]
	assert.LessOrEqual(t, len(e.Name), 253)
	assert.Regexp(t, `^a{235}\.[0-9a-f]{16}$`, e.Name)
	assert.LessOrEqual(t, len(e.Message), 1024)
	assert.Regexp(t, `^ä+ \.\.\.$`, e.Message)
}
