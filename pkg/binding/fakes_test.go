package binding

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	kubefake "k8s.io/client-go/kubernetes/fake"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/defaults"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/fake"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/manifest"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// world is a cluster with workloads and PostgreSQL servers in memory. It remembers the order in which it was written to.
type world struct {
	t    *testing.T
	kube *kubefake.Clientset

	mu        sync.Mutex // of what follows
	workloads map[string]*workload.Workload
	roles     map[string]*roleState
	log       []string

	databases map[string]bool        // that CreateDatabase created
	created   []postgres.NewDatabase // that it was asked for

	owner                        string   // of the objects of a former login
	primary                      string   // the Pod that is no standby; empty: any
	leader                       string   // the Service that leads to the primary; empty: svc
	asked                        []string // Pods that were to create a role
	unread                       error    // why a variable is not known
	moves                        func()   // when the Pods are read again
	execs                        []int    // how many roles each had
	completed                    []defaults.Request
	foundBefore                  []*server.Endpoint // candidates that completing a spec found
	searches, lists, gets, dries int
	slow                         func([]postgres.Request) // is called in each exec

	// fail makes the write of that name fail once, before it did anything; lose after it has done it.
	fail, lose map[string]error
	always     map[string]error // fails every time
	// before runs once, before the write of that name.
	before map[string]func()

	fake.Reporter
	others   []string // databases
	written  *v1alpha1.Binding
	finished []*Item
	verified int
	denied   []string // resources that the user may not use
}

const secretName = "postgresql-secret-2" //nolint:gosec // a name, not a credential

func deployment(name string) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, UID: types.UID(name + "-uid"), ResourceVersion: "1"},
		Spec: appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			Containers: []corev1.Container{{Name: "app"}},
		}}},
	}
}

func newWorld(t *testing.T, objects ...runtime.Object) *world {
	t.Helper()
	objects = append(objects, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ns", UID: "ns-uid"}})
	w := &world{
		t:         t,
		workloads: map[string]*workload.Workload{},
		roles:     map[string]*roleState{},
		databases: map[string]bool{},
		fail:      map[string]error{},
		lose:      map[string]error{},
		always:    map[string]error{},
		before:    map[string]func(){},
	}
	w.add("web")
	w.kube = fake.NewCluster(t, []string{
		"get namespaces", "get secrets", "list secrets", "create secrets", "patch secrets", "delete secrets",
		"create events", "get events", "update events", "create selfsubjectrulesreviews",
	}, w.react, objects...)
	return w
}

func (w *world) add(names ...string) {
	w.t.Helper()
	for _, name := range names {
		found, err := workload.Of(deployment(name))
		require.NoError(w.t, err)
		w.workloads[name] = found
	}
}

// Verified, Bound and Finished are the Progress of all items.
func (w *world) Verified(*Item) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.verified++
}

func (w *world) Bound(i *Item) {
	w.mu.Lock()
	defer w.mu.Unlock()
	require.NotNil(w.t, i.Binding)
	w.written = i.Binding
}

func (w *world) Finished(i *Item) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.finished = append(w.finished, i)
}

func (w *world) pipeline() *Pipeline {
	return &Pipeline{
		Workloads: w, Endpoints: w, Defaults: w, Kube: w.kube, Metadata: w.metadata(), Progress: w, ServerConcurrency: 2,
		Server: func(e *server.Endpoint, _ v1alpha1.BindingSpec, _ string) Server { return &fakeServer{w, e.Pod.Name} },
	}
}

// bind binds one workload.
func (w *world) bind(ctx context.Context, change ...func(*Item)) error {
	w.log, w.Results, w.Warned, w.Shown, w.finished = nil, nil, nil, nil, nil
	item := &Item{
		Workload: w.workloads["web"],
		Spec:     v1alpha1.BindingSpec{Postgres: "pod/postgresql-sfs-0"},
		Options:  Options{Wait: true, Timeout: time.Minute},
		Report:   w,
	}
	for _, c := range change {
		c(item)
	}
	require.Empty(w.t, Validate(item.Spec))
	require.NoError(w.t, w.pipeline().Run(ctx, []*Item{item}))
	assert.Equal(w.t, []*Item{item}, w.finished, "an item ends once")
	return item.Err
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
	items, err := NewItems(documents, Options{Timeout: time.Minute})
	require.NoError(w.t, err)
	for _, item := range items {
		item.Report = w
	}
	return items
}

// apply binds what a file would hold.
func (w *world) apply(ctx context.Context, specs ...string) []*Item {
	w.t.Helper()
	w.finished = nil
	items := w.items(specs...)
	require.NoError(w.t, w.pipeline().Run(ctx, items))
	assert.ElementsMatch(w.t, items, w.finished, "each item ends once")
	return items
}

func outcomes(items []*Item) map[Outcome]int {
	counts := map[Outcome]int{}
	for _, i := range items {
		counts[i.Outcome]++
	}
	return counts
}

// requests counts what was asked of the API server.
func (w *world) requests() map[string]int {
	counts := map[string]int{}
	for _, action := range w.kube.Actions() {
		counts[action.GetVerb()+" "+action.GetResource().Resource]++
	}
	return counts
}

// secret is the binding's Secret; nil if there is none.
func (w *world) secret() *corev1.Secret {
	secret, err := w.kube.Tracker().Get(corev1.SchemeGroupVersion.WithResource("secrets"), "ns", secretName)
	if err != nil {
		return nil
	}
	found, _ := secret.(*corev1.Secret)
	return found
}

// role is the only login role; nil if there is none.
func (w *world) role() *roleState {
	require.LessOrEqual(w.t, len(w.roles), 1, "login roles that nothing uses")
	for _, role := range w.roles {
		return role
	}
	return nil
}

// assertBound holds the three sides against each other.
func (w *world) assertBound() {
	w.t.Helper()
	web := w.workloads["web"]
	require.NotNil(w.t, w.secret())
	c, ok := secret.Of(w.secret())
	require.True(w.t, ok)
	role := w.roles[c.Username]
	require.NotNil(w.t, role)
	assert.Equal(w.t, role.password, c.Password)
	assert.Equal(w.t, role.name, c.Username)
	assert.Equal(w.t, "svc.ns.svc", c.Host)
	assert.True(w.t, slices.ContainsFunc(web.Template().Spec.Containers[0].EnvFrom, func(e corev1.EnvFromSource) bool {
		return e.SecretRef != nil && e.SecretRef.Name == secretName
	}))
	assert.Len(w.t, secret.AnnotationsOf(web.Annotations()), 1)
}

// assertUntouched finds nothing of a binding.
func (w *world) assertUntouched() {
	w.t.Helper()
	assert.Nil(w.t, w.role())
	assert.Nil(w.t, w.secret())
	assert.Empty(w.t, w.workloads["web"].Template().Spec.Containers[0].EnvFrom)
	assert.Empty(w.t, w.workloads["web"].Annotations())
	assert.Empty(w.t, w.Results, "what is rolled back is no result")
}

// assertNoPassword looks for the passwords in everything that was said.
func (w *world) assertNoPassword(err error) {
	w.t.Helper()
	said := strings.Join(slices.Concat(w.Shown, w.Warned, w.Results), "\n")
	if err != nil {
		said += err.Error()
	}
	for _, role := range w.roles {
		if role.password != "" {
			assert.NotContains(w.t, said, role.password)
		}
	}
}
