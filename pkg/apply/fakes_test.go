package apply

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	metadatafake "k8s.io/client-go/metadata/fake"
	k8stesting "k8s.io/client-go/testing"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/bind"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/manifest"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// world is a cluster with workloads and servers in memory.
type world struct {
	bind.Workloads // what no apply may need fails as a nil pointer

	t       *testing.T
	kube    *fake.Clientset
	objects []runtime.Object // Secrets that the metadata client shows
	results []Result
	proved  atomic.Int32

	mu        sync.Mutex
	workloads map[string]*workload.Workload
	searches  int
	lists     int
	gets      int
	tried     int                      // patches
	execs     []int                    // how many roles or bindings each had
	order     []string                 // bind, patch
	bound     func([]postgres.Request) // hears of each exec for bindings; nil: nobody does
	node      func(pod string) string  // on which a Pod runs; nil: all on one
	running   int
	most      int
	fail      map[string]error
}

func newWorld(t *testing.T, number int) *world {
	t.Helper()
	w := &world{t: t, workloads: map[string]*workload.Workload{}, fail: map[string]error{}}
	w.kube = fake.NewClientset(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ns", UID: "ns-uid"}})
	// The fake keeps what a dry run asks about.
	w.kube.PrependReactor("create", "secrets", func(action k8stesting.Action) (bool, runtime.Object, error) {
		create, _ := action.(k8stesting.CreateActionImpl)
		return len(create.CreateOptions.DryRun) > 0, create.Object, nil
	})
	for i := range number {
		name := fmt.Sprintf("w%d", i)
		found, err := workload.Of(&appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, UID: types.UID(name)},
			Spec:       appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}}}},
		})
		require.NoError(t, err)
		w.workloads["deployment/"+name] = found
	}
	return w
}

func (w *world) Get(_ context.Context, namespace string, args []string) ([]*workload.Workload, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gets++
	found, ok := w.workloads[args[0]]
	if !ok || namespace != "ns" {
		return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "deployments"}, args[0])
	}
	return []*workload.Workload{found}, nil
}

func (w *world) List(_ context.Context, namespace string, of workload.Type) ([]*workload.Workload, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lists++
	if err := w.fail["list"]; err != nil {
		return nil, err
	}
	require.Equal(w.t, "ns/deployment", namespace+"/"+of.Name)
	return slices.Collect(maps.Values(w.workloads)), nil
}

func (w *world) TopOwner(context.Context, *workload.Workload) (string, error) { return "", nil }

func (w *world) Patch(_ context.Context, from *workload.Workload, change func(*workload.Workload) error, dryRun bool) (*workload.Workload, bool, error) {
	w.mu.Lock()
	err := w.fail["try "+from.Name()]
	if dryRun {
		w.tried++
	}
	w.mu.Unlock()
	if err != nil && dryRun {
		return nil, false, err
	}
	changed := from.DeepCopy()
	if err := change(changed); err != nil {
		return nil, false, err
	}
	patch, err := workload.PatchBytes(from, changed)
	if err != nil || patch == nil || dryRun {
		return from, patch != nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.order = append(w.order, "patch")
	w.workloads["deployment/"+from.Name()] = changed
	return changed, true, nil
}

func (w *world) WaitRollout(context.Context, *workload.Workload, func(string)) error { return nil }

func (w *world) OutdatedPods(context.Context, *workload.Workload, string) ([]*corev1.Pod, error) {
	return nil, nil
}

func (w *world) Candidates(_ context.Context, ref target.Ref, _ target.Choice) ([]*target.Database, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.searches++
	if err := w.fail["find "+ref.Name]; err != nil {
		return nil, err
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: ref.Namespace, Name: ref.Name}}
	if w.node != nil {
		pod.Spec.NodeName = w.node(ref.Name)
	}
	return []*target.Database{{Pod: pod, Container: "db", Service: "svc", Port: 5432, PodPort: 5432, Location: "ns/" + ref.Name}}, nil
}

// server counts what is asked of it.
type server struct{ *world }

func (s server) enter(number int) (leave func()) {
	s.mu.Lock()
	s.execs = append(s.execs, number)
	s.running++
	s.most = max(s.most, s.running)
	s.mu.Unlock()
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.running--
	}
}

func (s server) CreateAll(ctx context.Context, requests []postgres.Request) []postgres.Creation {
	creations := make([]postgres.Creation, len(requests))
	for i, outcome := range s.BindAll(ctx, requests) {
		creations[i] = postgres.Creation{Made: true, Outcome: outcome}
	}
	return creations
}

func (s server) BindAll(_ context.Context, requests []postgres.Request) []postgres.Outcome {
	defer s.enter(len(requests))()
	if s.bound != nil {
		s.bound(requests)
	}
	s.mu.Lock()
	s.order = append(s.order, "bind")
	s.mu.Unlock()
	outcomes := make([]postgres.Outcome, len(requests))
	for i, r := range requests {
		outcomes[i].Result = &postgres.Result{Host: r.Login.Host, Reached: r.Login.Host, Verified: true}
		if err := s.fail["bind "+r.Binding.Access.Database]; err != nil {
			outcomes[i] = postgres.Outcome{Err: err}
		}
	}
	return outcomes
}

func (s server) Undo(context.Context, postgres.Binding) ([]string, error) {
	return []string{"DROP ROLE"}, nil
}

func (s server) LastRun(context.Context, string) (string, error) {
	s.t.Error("unexpected: LastRun")
	return "", nil
}

func (w *world) applier() *Applier {
	scheme := metadatafake.NewTestScheme()
	require.NoError(w.t, metav1.AddMetaToScheme(scheme))
	return &Applier{
		Workloads: w, Databases: w, Kube: w.kube, Metadata: metadatafake.NewSimpleMetadataClient(scheme, w.objects...),
		Server:            func(*target.Database, bind.Options) Server { return server{w} },
		ServerConcurrency: 2,
		Proved:            func() { w.proved.Add(1) },
		Report: func(r Result) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.results = append(w.results, r)
		},
	}
}

// items reads bindings as a file would hold them, one line of a spec each.
func (w *world) items(specs ...string) []*Item {
	w.t.Helper()
	var text strings.Builder
	for _, spec := range specs {
		text.WriteString("---\napiVersion: pgbind.dev/v1alpha1\nkind: Binding\nmetadata: {namespace: ns}\nspec: {" + spec + "}\n")
	}
	documents, err := (&manifest.Reader{Stdin: strings.NewReader(text.String())}).Read(manifest.Stdin)
	require.NoError(w.t, err)
	var items []*Item
	for _, d := range documents {
		item, err := NewItem(d, bind.Options{Rollout: bind.RolloutOptions{Timeout: time.Minute}})
		require.NoError(w.t, err)
		items = append(items, item)
	}
	return items
}

// requests counts what was asked of the API server.
func (w *world) requests() map[string]int {
	counts := map[string]int{}
	for _, action := range w.kube.Actions() {
		counts[action.GetVerb()+" "+action.GetResource().Resource]++
	}
	return counts
}

func (w *world) outcomes() map[Outcome]int {
	counts := map[Outcome]int{}
	for _, r := range w.results {
		counts[r.Outcome]++
	}
	return counts
}
