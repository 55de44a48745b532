package unbind

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
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

const (
	bindingID  = "abc"
	secretName = "postgresql-secret-2" //nolint:gosec // the name of a Secret, not its content
	roleName   = "pgb_abc_1"
	// rotatedRole is the role of the next generation.
	rotatedRole = "pgb_abc_2"
	accessRole  = "pgbind_postgres_public_all_u26fcriu4q"
)

// world is a bound workload and its server in memory. Each method also checks that the steps before it are done.
type world struct {
	t        *testing.T
	kube     *kubefake.Clientset
	workload *workload.Workload // nil: deleted
	pods     bool               // Pods with the Secret run
	others   []*workload.Workload
	role     *postgres.RoleDependencies // nil: dropped
	sessions int
	fake.Steps
	fake.Reporter

	filter   inventory.Filter
	location server.Ref
	held     *postgres.Holdings // overrides what the role holds
	stays    bool
	managers []string // of the patches
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t:        t,
		pods:     true,
		role:     &postgres.RoleDependencies{Role: roleName, OID: 16400, NewOwner: accessRole, Access: accessRole, CanLogin: true},
		sessions: 2,
		Steps:    fake.NewSteps(),
	}
	w.workload = w.bound("web", bindingID)
	w.kube = fake.NewCluster(t, []string{
		"create events", "get events", "update events", "list secrets", "get secrets", "delete secrets",
	}, w.react, w.boundSecret())
	return w
}

func (w *world) bound(name, id string) *workload.Workload {
	w.t.Helper()
	marks := secret.Marks{
		BindingSpec: v1alpha1.BindingSpec{DBName: "postgres"}, BindingStatus: v1alpha1.BindingStatus{ID: id, Role: roleName, Generation: 1},
	}
	key, err := secret.AnnotationKey(secretName)
	require.NoError(w.t, err)
	own := corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "own"}}}
	ours := corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: secretName}}}
	bound, err := workload.Of(&appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   "ns",
			Name:        name,
			UID:         types.UID(name),
			Annotations: map[string]string{key: marks.Value(), "theirs": "1"},
		},
		Spec: appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			Containers: []corev1.Container{{Name: "app", EnvFrom: []corev1.EnvFromSource{own, ours}}},
		}}},
	})
	require.NoError(w.t, err)
	return bound
}

func (w *world) boundSecret() *corev1.Secret {
	marks := secret.Marks{
		BindingSpec: v1alpha1.BindingSpec{
			Workload: "deployment.apps/web", DBName: "postgres", Postgres: "pod/pg-0", PostgresNamespace: "db", Access: "all",
		},
		BindingStatus: v1alpha1.BindingStatus{ID: bindingID, Role: roleName, Generation: 1},
	}
	secret, err := secret.NewSecret(types.NamespacedName{Namespace: "ns", Name: secretName}, marks,
		secret.Credentials{Host: "h", Username: roleName, Password: "p"})
	require.NoError(w.t, err)
	secret.UID = "secret-uid"
	return secret
}

// react returns the declared failures, and checks deletions.
func (w *world) react(action k8stesting.Action) (bool, runtime.Object, error) {
	switch verb := action.GetVerb() + " " + action.GetResource().Resource; verb {
	case "list secrets", "get secrets":
		err := w.Fault(verb)
		return err != nil, nil, err
	case "delete secrets":
		deletion, _ := action.(k8stesting.DeleteActionImpl)
		require.Equal(w.t, types.UID("secret-uid"), *deletion.DeleteOptions.Preconditions.UID)
		if len(deletion.DeleteOptions.DryRun) > 0 {
			return true, nil, w.Fault("try delete secret")
		}
		assert.False(w.t, w.pods, "no Pod uses the Secret any more")
		return w.deleteSecret(deletion)
	}
	return false, nil, nil
}

func (w *world) deleteSecret(action k8stesting.DeleteActionImpl) (bool, runtime.Object, error) {
	version := action.DeleteOptions.Preconditions.ResourceVersion
	if current := w.secret(); current != nil && version != nil && *version != current.ResourceVersion {
		return true, nil, apierrors.NewConflict(action.GetResource().GroupResource(), secretName, errors.New("changed"))
	}
	return true, nil, w.Run("delete secret", func() {
		require.NoError(w.t, w.kube.Tracker().Delete(action.GetResource(), "ns", secretName))
	})
}

func (w *world) Users(context.Context, string, string) ([]*workload.Workload, error) {
	if w.workload == nil {
		return w.others, nil
	}
	return append(w.others, w.workload), w.Fault("users")
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
		return changed, true, w.Fault("try patch")
	}
	name := "patch note"
	if workload.UsesSecret(&w.workload.Template().Spec, secretName) != workload.UsesSecret(&changed.Template().Spec, secretName) {
		name = "patch reference"
	}
	err = w.Run(name, func() { w.workload = changed })
	return changed, true, err
}

func (w *world) RecreatePod(context.Context, *workload.Workload, func(*workload.Workload) error, bool) (*workload.Workload, bool, error) {
	w.t.Error("unexpected: recreate")
	return nil, false, nil
}

func (w *world) Restart(context.Context, *workload.Workload, string, func(string)) error {
	w.t.Error("unexpected: restart")
	return nil
}

func (w *world) LookupAll(_ context.Context, namespace string, names []string) []*workload.Named {
	assert.Equal(w.t, "ns", namespace)
	assert.Equal(w.t, []string{"deployment.apps/web"}, names)
	return []*workload.Named{{Name: names[0], Workload: w.workload, Err: w.Fault("reread")}}
}

func (w *world) WaitRollout(context.Context, *workload.Workload, func(string)) error {
	return w.Fault("rollout")
}

func (w *world) OutdatedPods(context.Context, *workload.Workload, string) ([]*corev1.Pod, error) {
	return nil, w.Fail["list pods"]
}

func (w *world) Outdated(_ context.Context, waited *workload.Workload, _ string) (string, error) {
	assert.False(w.t, workload.UsesSecret(&waited.Template().Spec, secretName))
	return "", w.Run("drain", func() { w.pods = false })
}

func (w *world) Using(context.Context, string, string) (string, error) {
	return "", w.Run("drain", func() { w.pods = false })
}

func (w *world) Candidates(_ context.Context, ref server.Ref, _ server.Choice) ([]*server.Endpoint, error) {
	w.location = ref
	return []*server.Endpoint{{Pod: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: ref.Name}}}}, w.Fault("find")
}

func (w *world) Holdings(_ context.Context, roles []postgres.LoginRole) []postgres.Found {
	require.Len(w.t, roles, 1)
	assert.Equal(w.t, "ns", roles[0].Owner.Namespace)
	if err := w.Fault("holdings"); err != nil {
		return []postgres.Found{{Err: err}}
	}
	found := &postgres.Holdings{}
	switch {
	case w.role == nil:
	case w.held != nil:
		found = w.held
	default:
		assert.Equal(w.t, bindingID, roles[0].Owner.ID)
		assert.Contains(w.t, []string{roleName, rotatedRole}, roles[0].Name)
		found.Roles = []postgres.RoleDependencies{*w.role}
	}
	return []postgres.Found{{Holdings: found}}
}

func (w *world) Disable(_ context.Context, roles []postgres.LoginRole) []postgres.Change {
	assert.Equal(w.t, bindingID, roles[0].Owner.ID)
	assert.Equal(w.t, w.role.OID, roles[0].Owner.OID, "the role is identified by its OID")
	assert.False(w.t, w.pods, "no Pod uses the login any more")
	return []postgres.Change{{Err: w.Run("disable "+roles[0].Name, func() { w.role.CanLogin = false })}}
}

func (w *world) Sessions(context.Context, []postgres.LoginRole) []postgres.Count {
	return []postgres.Count{{Sessions: w.sessions, Err: w.Fault("sessions")}}
}

func (w *world) EndSessions(_ context.Context, roles []postgres.LoginRole) []postgres.Change {
	assert.False(w.t, w.role.CanLogin, "the login is disabled first")
	return []postgres.Change{{Err: w.Run("end sessions of "+roles[0].Name, func() { w.sessions = 0 })}}
}

func (w *world) Drop(_ context.Context, roles []postgres.HeldRole) []postgres.Change {
	assert.Equal(w.t, w.role.OID, roles[0].Owner.OID, "the role is identified by its OID")
	assert.Zero(w.t, w.sessions)
	err := w.Run("drop "+roles[0].Name, func() { w.role = nil })
	return []postgres.Change{{Did: []string{"DROP ROLE " + roles[0].Name}, Err: err}}
}

func (w *world) Rename(_ context.Context, names []postgres.NewName) []postgres.Change {
	return []postgres.Change{
		{Err: w.Run(fmt.Sprintf("rename %s to %s", names[0].Name, names[0].To), func() { w.role.Role = names[0].To })},
	}
}

func (w *world) Purge(_ context.Context, roles []string) []postgres.Purged {
	assert.Nil(w.t, w.role)
	err := w.Run("purge "+roles[0], func() {})
	return []postgres.Purged{{Change: postgres.Change{Err: err}, Stays: w.stays}}
}

func (w *world) CheckDatabase(_ context.Context, name string, o postgres.Owner) error {
	assert.Equal(w.t, "postgres", name)
	assert.Equal(w.t, bindingID, o.ID)
	return w.Fault("check database")
}

func (w *world) DropDatabase(_ context.Context, name string, o postgres.Owner) ([]string, error) {
	assert.Equal(w.t, bindingID, o.ID)
	assert.Nil(w.t, w.role, "the login is gone")
	assert.NotNil(w.t, w.secret(), "an interrupted run continues from the Secret")
	err := w.Run("drop database", func() {})
	return []string{"DROP DATABASE " + name}, err
}

// unbind runs an unbind in the world.
func (w *world) unbind(change ...func(*Options)) error {
	w.Log = nil
	w.Reset()
	options := Options{
		Postgres: server.Ref{Kind: server.KindPod, Name: "default-0", Namespace: "ns"},
		Grace:    10 * time.Second,
		Timeout:  time.Minute,
	}
	for _, c := range change {
		c(&options)
	}
	u := &Unbinder{Workloads: w, Endpoints: w, Kube: w.kube, Report: w, Roles: func(_ *server.Endpoint, b *inventory.Binding) Roles {
		assert.Equal(w.t, "postgres", b.Marks.DBName)
		return w
	}}
	item := NewItem(inventory.Subject{Namespace: "ns", Name: "deployment.apps/web", Workload: w.workload}, w.filter)
	return u.Unbind(w.t.Context(), []*Item{item}, options)
}

func (w *world) secret() *corev1.Secret {
	secret, err := w.kube.Tracker().Get(corev1.SchemeGroupVersion.WithResource("secrets"), "ns", secretName)
	if err != nil {
		return nil
	}
	found, _ := secret.(*corev1.Secret)
	return found
}

// assertUnbound requires that the binding is gone and everything else is unchanged.
func (w *world) assertUnbound() {
	w.t.Helper()
	assert.Nil(w.t, w.role)
	assert.Nil(w.t, w.secret())
	if w.workload != nil {
		assert.Equal(w.t, map[string]string{"theirs": "1"}, w.workload.Annotations())
		envFrom := w.workload.Template().Spec.Containers[0].EnvFrom
		require.Len(w.t, envFrom, 1)
		assert.Equal(w.t, "own", envFrom[0].SecretRef.Name)
	}
}

// assertBound requires that the binding is complete.
func (w *world) assertBound() {
	w.t.Helper()
	assert.Empty(w.t, w.Log, "nothing changed")
	require.NotNil(w.t, w.role)
	assert.True(w.t, w.role.CanLogin)
	assert.NotNil(w.t, w.secret())
}

func refuseList(k8stesting.Action) (bool, runtime.Object, error) { return true, nil, forbidden }
