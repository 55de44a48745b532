package rotate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
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

const (
	bindingID  = "abc"
	secretName = "postgresql-secret-2" //nolint:gosec // the name of a Secret, not its content
	first      = "pgb_abc_1"
	second     = "pgb_abc_2"
	heir       = "pgbind_postgres_public_all_x"
)

// world is a bound workload, its Pods and its server in memory. Each method also checks that the steps before it are done.
type world struct {
	t        *testing.T
	kube     *kubefake.Clientset
	workload *workload.Workload
	pods     string            // the role that the Pods use
	passes   map[string]string // passwords by role; empty: none yet
	locked   map[string]bool
	sessions map[string]int
	granted  int
	version  int
	fake.Steps
	fake.Reporter
	// refused is the API server's response to the dry run of a write.
	refused map[string]error

	managers   []string              // of the patches of workloads
	unfinished []postgres.Unfinished // what a session of others prevents
	hidden     []workload.Hidden
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, pods: first, passes: map[string]string{first: "p1"}, locked: map[string]bool{}, sessions: map[string]int{first: 2},
		Steps: fake.NewSteps(), refused: map[string]error{}}
	w.Check = w.assertSecret
	ours := corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: secretName}}}
	w.setWorkload(corev1.PodSpec{Containers: []corev1.Container{{Name: "app", EnvFrom: []corev1.EnvFromSource{ours}}}})
	marks := boundMarks()
	secret, err := secret.NewSecret(types.NamespacedName{Namespace: "ns", Name: secretName}, marks,
		secret.Credentials{Host: "svc.ns", Username: first, Password: "p1"})
	require.NoError(t, err)
	secret.UID, secret.ResourceVersion, secret.Labels["theirs"] = "secret-uid", "1", "label"
	w.kube = fake.NewCluster(t, []string{
		"get namespaces", "get secrets", "list secrets", "delete secrets", "create secrets", "update secrets",
		"create events", "get events", "update events",
	}, w.react, secret, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ns", UID: "ns-uid"}})
	return w
}

// boundMarks returns the metadata of the binding before any rotation.
func boundMarks() secret.Marks {
	return secret.Marks{
		BindingSpec:   v1alpha1.BindingSpec{Workload: "deployment.apps/web", DBName: "postgres", Postgres: "pod/pg-0"},
		BindingStatus: v1alpha1.BindingStatus{ID: bindingID, Role: first, Generation: 1},
	}
}

// setWorkload gives the bound workload this spec.
func (w *world) setWorkload(spec corev1.PodSpec) {
	key, err := secret.AnnotationKey(secretName)
	require.NoError(w.t, err)
	w.workload, err = workload.Of(&appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   "ns",
			Name:        "web",
			UID:         "web",
			Annotations: map[string]string{key: boundMarks().Note().Value()},
		},
		Spec: appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{Spec: spec}},
	})
	require.NoError(w.t, err)
}

// react answers dry runs, and checks the resource version of an update.
func (w *world) react(action k8stesting.Action) (bool, runtime.Object, error) {
	switch action.GetVerb() + " " + action.GetResource().Resource {
	case "create secrets":
		create, _ := action.(k8stesting.CreateActionImpl)
		return create.CreateOptions.DryRun != nil, create.Object, w.refused["secret"]
	case "update secrets":
		update, _ := action.(k8stesting.UpdateActionImpl)
		if update.UpdateOptions.DryRun != nil {
			return true, update.Object, w.refused["secret"]
		}
		if update.Object.(*corev1.Secret).Name != secretName {
			return false, nil, nil
		}
		return w.update(action.GetResource(), update.Object.(*corev1.Secret))
	}
	return false, nil, nil
}

func (w *world) update(resource schema.GroupVersionResource, stored *corev1.Secret) (bool, runtime.Object, error) {
	if stored.ResourceVersion != w.secret().ResourceVersion {
		return true, nil, apierrors.NewConflict(resource.GroupResource(), stored.Name, errors.New("changed"))
	}
	c, _ := secret.Of(stored)
	return true, stored, w.Run("secret of "+c.Username, func() {
		w.version++
		stored.ResourceVersion = fmt.Sprintf("later-%d", w.version)
		require.NoError(w.t, w.kube.Tracker().Update(resource, stored, "ns"))
	})
}

func (w *world) UsersOf(_ context.Context, namespace string, secrets []string) (map[string][]*workload.Workload, error) {
	assert.Equal(w.t, "ns", namespace)
	assert.Equal(w.t, []string{secretName}, secrets)
	return map[string][]*workload.Workload{secretName: {w.workload}}, w.refused["users"]
}

func (w *world) Patch(
	_ context.Context, from *workload.Workload, change func(*workload.Workload) error, dryRun bool,
) (*workload.Workload, bool, error) {
	manager, earlier := from.FieldManager()
	w.managers = append(w.managers, manager+" after "+earlier)
	changed := w.workload.DeepCopy()
	if err := change(changed); err != nil {
		return nil, false, err
	}
	patch, err := workload.PatchBytes(w.workload, changed)
	if err != nil || patch == nil {
		return from, false, err
	}
	if dryRun {
		return changed, true, w.refused["patch"]
	}
	generation := strings.TrimPrefix(changed.Template().Annotations[secret.GenerationAnnotation(secretName)], "secret-uid.")
	err = w.Run("patch "+generation, func() { w.workload = changed })
	return changed, true, err
}

func (w *world) Restart(context.Context, *workload.Workload, string, func(string)) error {
	w.t.Error("unexpected: restart")
	return nil
}

func (w *world) WaitRollout(ctx context.Context, _ *workload.Workload, _ func(string)) error {
	c, _ := secret.Of(w.secret())
	return errors.Join(ctx.Err(), w.Run("rollout to "+c.Username, func() {}))
}

func (w *world) OutdatedPods(context.Context, *workload.Workload, string) ([]*corev1.Pod, error) {
	return nil, w.refused["pods"]
}

func (w *world) Hidden(context.Context, *workload.Workload, string, []string) []workload.Hidden {
	return w.hidden
}

func (w *world) WaitOutdatedGone(context.Context, *workload.Workload, string, func(string)) error {
	c, _ := secret.Of(w.secret())
	require.Equal(w.t, c.Password, w.passes[c.Username], "new Pods could not log in")
	w.pods = c.Username
	return nil
}

func (w *world) Candidates(_ context.Context, ref server.Ref, _ server.Choice) ([]*server.Endpoint, error) {
	return []*server.Endpoint{{Pod: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: ref.Name}}, Service: "svc"}}, nil
}

func (w *world) CreateAll(ctx context.Context, requests []postgres.Request) []postgres.Creation {
	require.Len(w.t, requests, 1)
	role := requests[0].Role.Name
	if _, ok := w.passes[role]; ok {
		return []postgres.Creation{{Outcome: postgres.Outcome{Err: postgres.ErrExists}}}
	}
	if err := w.Run("createuser "+role, func() { w.passes[role] = "" }); err != nil {
		return []postgres.Creation{{Outcome: postgres.Outcome{Err: err}}}
	}
	return []postgres.Creation{{Made: true, Outcome: w.BindAll(ctx, requests)[0]}}
}

func (w *world) BindAll(_ context.Context, requests []postgres.Request) []postgres.Outcome {
	require.Len(w.t, requests, 1)
	spec, l := requests[0].Role, requests[0].Login
	assert.Equal(w.t, bindingID, spec.Owner.ID)
	assert.Equal(w.t, "postgres", spec.Access.Database)
	require.Contains(w.t, w.passes, spec.Former)
	require.Contains(w.t, w.passes, spec.Name)
	assert.True(w.t, l.Set)
	err := w.Run("password of "+spec.Name, func() { w.passes[spec.Name] = l.Password })
	result := &postgres.Result{Host: l.Host, Reached: l.Host, Verified: true, Unfinished: w.unfinished}
	return []postgres.Outcome{{Result: result, Err: err}}
}

func (w *world) Holdings(_ context.Context, roles []postgres.LoginRole) []postgres.Found {
	require.Len(w.t, roles, 1)
	assert.Equal(w.t, "ns", roles[0].Owner.Namespace)
	found := &postgres.Holdings{}
	for _, role := range slices.Sorted(maps.Keys(w.passes)) {
		holder := postgres.RoleDependencies{Role: role, NewOwner: heir, Access: heir, Level: "all"}
		if w.granted > 0 && role == first {
			holder.Objects = []postgres.Objects{{Database: "postgres", Granted: w.granted, Loses: []string{"privileges on table t"}}}
		}
		found.Roles = append(found.Roles, holder)
	}
	return []postgres.Found{{Holdings: found}}
}

// change is a change of the roles.
func (w *world) change(roles []postgres.LoginRole, do func(role string) error) (changes []postgres.Change) {
	require.NotEmpty(w.t, roles)
	for _, role := range roles {
		changes = append(changes, postgres.Change{Err: do(role.Name)})
	}
	return changes
}

func (w *world) Disable(_ context.Context, roles []postgres.LoginRole) []postgres.Change {
	return w.change(roles, func(role string) error {
		assert.NotEqual(w.t, w.pods, role, "no Pod uses this login any more")
		return w.Run("disable "+role, func() { w.locked[role] = true })
	})
}

func (w *world) Sessions(_ context.Context, roles []postgres.LoginRole) (counts []postgres.Count) {
	for _, role := range roles {
		counts = append(counts, postgres.Count{Sessions: w.sessions[role.Name]})
	}
	return counts
}

func (w *world) EndIdle(_ context.Context, roles []postgres.LoginRole) []postgres.Change {
	return w.change(roles, func(role string) error {
		return w.Run("end idle of "+role, func() { w.sessions[role]-- })
	})
}

func (w *world) EndSessions(_ context.Context, roles []postgres.LoginRole) []postgres.Change {
	return w.change(roles, func(role string) error {
		assert.True(w.t, w.locked[role])
		return w.Run("end sessions of "+role, func() { w.sessions[role] = 0 })
	})
}

func (w *world) Drop(_ context.Context, roles []postgres.HeldRole) []postgres.Change {
	var names []postgres.LoginRole
	for _, role := range roles {
		names = append(names, role.LoginRole)
	}
	return w.change(names, func(role string) error {
		assert.True(w.t, w.locked[role])
		assert.Zero(w.t, w.sessions[role])
		return w.Run("drop "+role, func() { delete(w.passes, role) })
	})
}

func (w *world) Show(string) { w.t.Error("unexpected: show") }

// assertSecret requires that a message contains no password.
func (w *world) assertSecret(text string) {
	for _, password := range w.passes {
		assert.False(w.t, password != "" && strings.Contains(text, password), "the message contains no password")
	}
}

// rotate runs a rotation in the world.
func (w *world) rotate(change ...func(*Options)) error {
	w.Log = nil
	w.Reset()
	options := Options{Grace: 10 * time.Second, Drain: time.Minute, Timeout: time.Minute, Settle: 2 * time.Minute}
	for _, c := range change {
		c(&options)
	}
	secrets, err := inventory.List(w.t.Context(), w.kube, "ns")
	require.NoError(w.t, err)
	b, err := secrets.Find(
		w.t.Context(), inventory.Subject{Namespace: "ns", Name: "deployment.apps/web", Workload: w.workload},
		inventory.Filter{},
	)
	require.NoError(w.t, err)
	require.NotNil(w.t, b)
	r := &Rotator{Workloads: w, Endpoints: w, Kube: w.kube, Report: w, Roles: func(*server.Endpoint, string) Roles { return w }}
	rotated, err := r.Rotate(w.t.Context(), []*inventory.Binding{b}, options)
	assert.Equal(w.t, err == nil, len(rotated) == 1, "it returns the binding unless it fails")
	return err
}

func (w *world) secret() *corev1.Secret {
	w.t.Helper()
	object, err := w.kube.Tracker().Get(corev1.SchemeGroupVersion.WithResource("secrets"), "ns", secretName)
	require.NoError(w.t, err)
	secret, _ := object.(*corev1.Secret)
	return secret
}

// assertOnly requires that only one role exists, and that everything names it and has its password.
func (w *world) assertOnly(role string) {
	w.t.Helper()
	assert.Equal(w.t, []string{role}, slices.Collect(maps.Keys(w.passes)))
	c, ok := secret.Of(w.secret())
	require.True(w.t, ok)
	assert.Equal(w.t, secret.Credentials{Host: "svc.ns", Username: role, Password: w.passes[role], Port: 5432, Database: "postgres"}, c)
	marks, _ := secret.MarksOf(w.secret())
	assert.Equal(w.t, role, marks.Role)
	assert.Equal(w.t, "label", w.secret().Labels["theirs"])
	noted := secret.AnnotationsOf(w.workload.Annotations())[secretName]
	assert.Equal(w.t, role, noted.Role)
	assert.Equal(w.t, marks.Generation, noted.Generation)
	assert.Equal(w.t, role, w.pods)
}

// otherRunWins lets another run's update come first.
func (w *world) otherRunWins() k8stesting.ReactionFunc {
	won := false
	return func(action k8stesting.Action) (bool, runtime.Object, error) {
		if won {
			return false, nil, nil
		}
		won = true
		stored := w.secret().DeepCopy()
		marks, _ := secret.MarksOf(stored)
		marks.Role, marks.Generation, marks.Run = second, 2, "other"
		require.NoError(w.t, secret.Renew(stored, marks, secret.Credentials{Host: "svc.ns", Username: second, Password: "other"}))
		stored.ResourceVersion = "other"
		require.NoError(w.t, w.kube.Tracker().Update(action.GetResource(), stored, "ns"))
		return false, nil, nil
	}
}
