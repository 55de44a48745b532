package rotate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	kubefake "k8s.io/client-go/kubernetes/fake"
	k8stesting "k8s.io/client-go/testing"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/fake"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// fleet is many bound workloads and one server in memory. It counts requests and execs.
type fleet struct {
	t         *testing.T
	kube      *kubefake.Clientset
	bindings  []*inventory.Binding
	workloads map[string]*workload.Workload // by Secret

	mu     sync.Mutex
	roles  map[string]bool // true: disabled
	execs  map[string]int
	dryRun map[string]int
	stuck  string // the Secret of the workload whose Pods are never ready
	absent string // the former role that is gone when its successor is created
	hidden string // the Secret of the workload that gets a variable from something else

	fake.Reporter
}

func newFleet(t *testing.T, size int) *fleet {
	t.Helper()
	f := &fleet{
		t:         t,
		workloads: map[string]*workload.Workload{},
		roles:     map[string]bool{},
		execs:     map[string]int{},
		dryRun:    map[string]int{},
	}
	objects := []runtime.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ns", UID: "ns-uid"}}}
	for n := range size {
		name, id := fmt.Sprintf("s%d", n), fmt.Sprintf("id%d", n)
		role := secret.RoleName(id, 1)
		f.roles[role] = false
		marks := secret.Marks{
			BindingSpec:   v1alpha1.BindingSpec{Workload: "deployment.apps/" + name, DBName: "postgres", Postgres: "pod/pg-0"},
			BindingStatus: v1alpha1.BindingStatus{ID: id, Role: role, Generation: 1},
		}
		s, err := secret.NewSecret(types.NamespacedName{Namespace: "ns", Name: name}, marks,
			secret.Credentials{Host: "svc.ns", Username: role, Password: "old"})
		require.NoError(t, err)
		objects = append(objects, s)
		key, err := secret.AnnotationKey(name)
		require.NoError(t, err)
		from := corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: name}}}
		w, err := workload.Of(&appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{
				Namespace:   "ns",
				Name:        name,
				UID:         types.UID(name),
				Annotations: map[string]string{key: marks.Note().Value()},
			},
			Spec: appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
				Containers: []corev1.Container{{Name: "app", EnvFrom: []corev1.EnvFromSource{from}}}}}},
		})
		require.NoError(t, err)
		f.workloads[name] = w
		f.bindings = append(
			f.bindings,
			&inventory.Binding{
				Subject:    inventory.Subject{Namespace: "ns", Name: marks.Workload},
				SecretName: name,
				Secret:     s,
				Marks:      marks,
			},
		)
	}
	f.kube = fake.NewCluster(t, []string{
		"get namespaces", "get secrets", "update secrets", "create events", "get events", "update events",
	}, f.react, objects...)
	return f
}

// react answers the dry runs of updates.
func (f *fleet) react(action k8stesting.Action) (bool, runtime.Object, error) {
	update, ok := action.(k8stesting.UpdateActionImpl)
	if !ok || action.GetResource().Resource != "secrets" || update.UpdateOptions.DryRun == nil {
		return false, nil, nil
	}
	f.count(f.dryRun, "secret")
	return true, update.Object, nil
}

func (f *fleet) count(of map[string]int, what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	of[what]++
}

func (f *fleet) UsersOf(_ context.Context, _ string, secrets []string) (map[string][]*workload.Workload, error) {
	f.count(f.execs, "users")
	users := map[string][]*workload.Workload{}
	for _, name := range secrets {
		users[name] = []*workload.Workload{f.workloads[name]}
	}
	return users, nil
}

func (f *fleet) Patch(
	_ context.Context, w *workload.Workload, change func(*workload.Workload) error, dryRun bool,
) (*workload.Workload, bool, error) {
	changed := w.DeepCopy()
	if err := change(changed); err != nil {
		return nil, false, err
	}
	if dryRun {
		f.count(f.dryRun, "patch")
		return changed, true, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.workloads[w.Name()] = changed
	return changed, true, nil
}

func (f *fleet) Restart(context.Context, *workload.Workload, string, func(string)) error {
	f.t.Error("unexpected: restart")
	return nil
}

// WaitRollout never ends for the first rollout of the stuck workload; its roll-back ends.
func (f *fleet) WaitRollout(ctx context.Context, w *workload.Workload, _ func(string)) error {
	if w.Name() != f.stuck || w.Template().Annotations[secret.GenerationAnnotation(f.stuck)] == "" {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func (f *fleet) Hidden(_ context.Context, w *workload.Workload, _ string, _ []string) []workload.Hidden {
	if w.Name() != f.hidden {
		return nil
	}
	return []workload.Hidden{{Container: "app", Variable: "POSTGRES_HOST", By: "env"}}
}

func (f *fleet) OutdatedPods(context.Context, *workload.Workload, string) ([]*corev1.Pod, error) {
	return nil, nil
}

func (f *fleet) WaitOutdatedGone(context.Context, *workload.Workload, string, func(string)) error {
	return nil
}

func (f *fleet) Candidates(_ context.Context, ref server.Ref, _ server.Choice) ([]*server.Endpoint, error) {
	f.count(f.execs, "candidates")
	return []*server.Endpoint{
		{Pod: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: ref.Namespace, Name: ref.Name}}, Service: "svc"},
	}, nil
}

func (f *fleet) CreateAll(_ context.Context, requests []postgres.Request) []postgres.Creation {
	f.count(f.execs, "create")
	f.mu.Lock()
	defer f.mu.Unlock()
	creations := make([]postgres.Creation, len(requests))
	for n, r := range requests {
		f.roles[r.Role.Name] = false
		creations[n] = postgres.Creation{
			Made:    true,
			Outcome: postgres.Outcome{Result: &postgres.Result{Host: "svc.ns", Reached: "svc.ns", Verified: true}},
		}
		if r.Role.Former == f.absent {
			creations[n].Err = &postgres.GoneError{Role: f.absent}
		}
	}
	return creations
}

func (f *fleet) BindAll(context.Context, []postgres.Request) []postgres.Outcome {
	f.t.Error("unexpected: no role exists")
	return nil
}

func (f *fleet) Holdings(_ context.Context, roles []postgres.LoginRole) []postgres.Found {
	f.count(f.execs, "holdings")
	found := make([]postgres.Found, len(roles))
	for n, role := range roles {
		found[n].Holdings = &postgres.Holdings{Roles: []postgres.RoleDependencies{{Role: role.Name, OID: 20000}}}
	}
	return found
}

func (f *fleet) Sessions(_ context.Context, roles []postgres.LoginRole) []postgres.Count {
	return make([]postgres.Count, len(roles))
}

func (f *fleet) EndIdle(context.Context, []postgres.LoginRole) []postgres.Change {
	f.t.Error("unexpected: no session is open")
	return nil
}

func (f *fleet) EndSessions(context.Context, []postgres.LoginRole) []postgres.Change {
	f.t.Error("unexpected: no session is open")
	return nil
}

func (f *fleet) Disable(_ context.Context, roles []postgres.LoginRole) []postgres.Change {
	f.count(f.execs, "disable")
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, role := range roles {
		f.roles[role.Name] = true
	}
	return make([]postgres.Change, len(roles))
}

func (f *fleet) Drop(_ context.Context, roles []postgres.HeldRole) []postgres.Change {
	f.count(f.execs, "drop")
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, role := range roles {
		assert.True(f.t, f.roles[role.Name], "role %s is disabled before it is dropped", role.Name)
		delete(f.roles, role.Name)
	}
	return make([]postgres.Change, len(roles))
}

func (f *fleet) Show(string) { f.t.Error("unexpected: show") }

func (f *fleet) rotate(ctx context.Context) error {
	r := &Rotator{Workloads: f, Endpoints: f, Kube: f.kube, Report: f, Roles: func(*server.Endpoint, string) Roles { return f }}
	_, err := r.Rotate(ctx, f.bindings, Options{Timeout: time.Minute, Settle: time.Minute})
	return err
}

// assertRoles requires that each binding has one role, of this generation, in the Secret, in the annotation and on the server.
func (f *fleet) assertRoles(generation func(n int) int) {
	f.t.Helper()
	assert.Len(f.t, f.roles, len(f.bindings))
	for n, b := range f.bindings {
		role := secret.RoleName(b.Marks.ID, generation(n))
		assert.Contains(f.t, f.roles, role)
		s, err := f.kube.CoreV1().Secrets("ns").Get(f.t.Context(), b.SecretName, metav1.GetOptions{})
		require.NoError(f.t, err)
		c, _ := secret.Of(s)
		assert.Equal(f.t, role, c.Username)
		assert.Equal(f.t, role, secret.AnnotationsOf(f.workloads[b.SecretName].Annotations())[b.SecretName].Role)
	}
}

func TestRotate_ManyShareReadsAndExecs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 60)
		require.NoError(t, f.rotate(t.Context()))
		f.assertRoles(func(int) int { return 2 })
		// Three batches of 25 at most.
		assert.Equal(t, map[string]int{"users": 1, "candidates": 1, "holdings": 3, "create": 3, "disable": 3, "drop": 3}, f.execs)
		assert.Equal(t, map[string]int{"secret": 1, "patch": 1}, f.dryRun, "one write of each kind is rehearsed")
		assert.Len(t, f.Results, 120)
		assert.Empty(t, f.Warned)
	})
}

func TestRotate_OneThatFailsDoesNotStopTheOthers(t *testing.T) {
	for name, test := range map[string]struct {
		set func(*fleet)
		err string
	}{
		"its Pods are never ready": {func(f *fleet) { f.stuck = "s3" }, "timed out after 1m0s"},
		"its former role is gone":  {func(f *fleet) { f.absent = secret.RoleName("id3", 1) }, "is gone"},
		"a variable is hidden":     {func(f *fleet) { f.hidden = "s3" }, "would not use the new login"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, 10)
				test.set(f)
				err := f.rotate(t.Context())
				require.ErrorContains(t, err, test.err)
				require.ErrorContains(t, err, "secret/s3 in namespace ns: ")
				f.assertRoles(func(n int) int {
					if n == 3 {
						return 1
					}
					return 2
				})
				assert.NotContains(t, f.Results, "secret/s3 rotated")
				assert.True(t, slices.Contains(f.Results, "secret/s4 rotated"))
			})
		})
	}
}

func TestRotate_InterruptRollsAllBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 10)
		f.stuck = "s3"
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errors.New("interrupted")) })
		require.Error(t, f.rotate(ctx))
		f.assertRoles(func(int) int { return 1 })
		assert.Empty(t, f.Results)
	})
}
