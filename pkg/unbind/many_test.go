package unbind

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
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

// fleet is many bound workloads with one server in memory. It counts requests, and lets a step fail for one workload or role.
type fleet struct {
	t         *testing.T
	kube      *kubefake.Clientset
	workloads map[string]*workload.Workload // by name
	roles     map[string]bool               // by name: the login is enabled
	fail      map[string]error              // by step and name of the workload or role

	mu       sync.Mutex
	requests map[string]int
	fake.Reporter
}

func newFleet(t *testing.T, number int) *fleet {
	t.Helper()
	f := &fleet{
		t:         t,
		workloads: map[string]*workload.Workload{},
		roles:     map[string]bool{},
		fail:      map[string]error{},
		requests:  map[string]int{},
	}
	var secrets []runtime.Object
	for i := range number {
		f.workloads[fmt.Sprintf("deployment.apps/web-%d", i)] = f.bound(i)
		f.roles[f.role(i)] = true
		name := types.NamespacedName{Namespace: "ns", Name: fmt.Sprintf("web-%d-pgbind", i)}
		stored, err := secret.NewSecret(name, f.marks(i), secret.Credentials{Host: "h", Username: f.role(i), Password: "p"})
		require.NoError(t, err)
		stored.ResourceVersion = "1"
		secrets = append(secrets, stored)
	}
	f.kube = fake.NewCluster(t, []string{
		"list secrets", "get secrets", "delete secrets", "create events", "get events", "update events",
	}, f.react, secrets...)
	return f
}

func (*fleet) role(i int) string { return fmt.Sprintf("pgb_id%d_1", i) }

func (f *fleet) marks(i int) secret.Marks {
	return secret.Marks{
		BindingSpec:   v1alpha1.BindingSpec{Workload: fmt.Sprintf("deployment.apps/web-%d", i), DBName: "postgres", Postgres: "pod/pg-0"},
		BindingStatus: v1alpha1.BindingStatus{ID: fmt.Sprintf("id%d", i), Role: f.role(i), Generation: 1},
	}
}

func (f *fleet) bound(i int) *workload.Workload {
	f.t.Helper()
	name := fmt.Sprintf("web-%d", i)
	key, err := secret.AnnotationKey(name + "-pgbind")
	require.NoError(f.t, err)
	ours := corev1.EnvFromSource{
		SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: name + "-pgbind"}},
	}
	bound, err := workload.Of(&appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   "ns",
			Name:        name,
			UID:         types.UID(name),
			Annotations: map[string]string{key: f.marks(i).Note().Value()},
		},
		Spec: appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			Containers: []corev1.Container{{Name: "app", EnvFrom: []corev1.EnvFromSource{ours}}},
		}}},
	})
	require.NoError(f.t, err)
	return bound
}

// step counts a request and returns the error that the test wants for the object.
func (f *fleet) step(what, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests[what]++
	return f.fail[what+" "+name]
}

func (f *fleet) react(action k8stesting.Action) (bool, runtime.Object, error) {
	verb := action.GetVerb() + " " + action.GetResource().Resource
	deletion, deletes := action.(k8stesting.DeleteActionImpl)
	if !deletes {
		err := f.step(verb, "")
		return err != nil, nil, err
	}
	if len(deletion.DeleteOptions.DryRun) > 0 {
		return true, nil, f.step("try delete", deletion.Name)
	}
	err := f.step(verb, deletion.Name)
	if apierrors.IsConflict(err) {
		delete(f.fail, verb+" "+deletion.Name)
	}
	return err != nil, nil, err
}

func (f *fleet) LookupAll(_ context.Context, _ string, names []string) []*workload.Named {
	err := f.step("look up workloads", "")
	var found []*workload.Named
	for _, name := range names {
		found = append(found, &workload.Named{Name: name, Workload: f.workloads[name], Err: err})
	}
	return found
}

func (f *fleet) Users(_ context.Context, _, secretName string) ([]*workload.Workload, error) {
	name := "deployment.apps/" + strings.TrimSuffix(secretName, "-pgbind")
	users := []*workload.Workload{f.workloads[name]}
	if f.step("other user", name) != nil {
		users = append(users, f.bound(100))
	}
	return users, nil
}

func (f *fleet) Patch(
	_ context.Context, w *workload.Workload, change func(*workload.Workload) error, dryRun bool,
) (*workload.Workload, bool, error) {
	changed := w.DeepCopy()
	require.NoError(f.t, change(changed))
	if dryRun {
		return changed, true, f.step("try patch", w.String())
	}
	if err := f.step("patch", w.String()); err != nil {
		return nil, false, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.workloads[w.String()] = changed
	return changed, true, nil
}

func (f *fleet) RecreatePod(context.Context, *workload.Workload, func(*workload.Workload) error, bool) (*workload.Workload, bool, error) {
	f.t.Error("unexpected: recreate")
	return nil, false, nil
}

func (f *fleet) Restart(context.Context, *workload.Workload, string, func(string)) error {
	f.t.Error("unexpected: restart")
	return nil
}

func (f *fleet) WaitRollout(_ context.Context, w *workload.Workload, _ func(string)) error {
	return f.step("rollout", w.String())
}

func (f *fleet) OutdatedPods(_ context.Context, w *workload.Workload, _ string) ([]*corev1.Pod, error) {
	return nil, f.step("try Pods", w.String())
}

func (f *fleet) Outdated(_ context.Context, w *workload.Workload, _ string) (string, error) {
	if err := f.step("Pods", w.String()); err != nil {
		return "pod/stuck", nil //nolint:nilerr // the error of the step stands for a Pod that does not end
	}
	return "", nil
}

func (f *fleet) Using(context.Context, string, string) (string, error) { return "", nil }

func (f *fleet) snapshot() Lists {
	_ = f.step("snapshot", "")
	return f
}

func (f *fleet) Candidates(context.Context, server.Ref, server.Choice) ([]*server.Endpoint, error) {
	return []*server.Endpoint{{Pod: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "pg-0"}}}}, f.step("find server", "")
}

func (f *fleet) Holdings(_ context.Context, roles []postgres.LoginRole) []postgres.Found {
	_ = f.step("holdings", "")
	var found []postgres.Found
	for i, role := range roles {
		found = append(found, postgres.Found{Holdings: &postgres.Holdings{}, Err: f.fail["holdings "+role.Name]})
		if _, exists := f.roles[role.Name]; exists {
			found[i].Holdings.Roles = []postgres.RoleDependencies{{Role: role.Name, OID: 16400}}
		}
	}
	return found
}

func (f *fleet) change(what string, roles []postgres.LoginRole, do func(role string)) []postgres.Change {
	_ = f.step(what, "")
	var changes []postgres.Change
	for _, role := range roles {
		err := f.fail[what+" "+role.Name]
		if changes = append(changes, postgres.Change{Err: err}); err == nil {
			do(role.Name)
		}
	}
	return changes
}

func (f *fleet) Disable(_ context.Context, roles []postgres.LoginRole) []postgres.Change {
	return f.change("disable", roles, func(role string) { f.roles[role] = false })
}

func (f *fleet) Sessions(_ context.Context, roles []postgres.LoginRole) []postgres.Count {
	_ = f.step("sessions", "")
	return make([]postgres.Count, len(roles))
}

func (f *fleet) EndSessions(context.Context, []postgres.LoginRole) []postgres.Change {
	f.t.Error("unexpected: end sessions")
	return nil
}

func (f *fleet) Drop(_ context.Context, held []postgres.HeldRole) []postgres.Change {
	var roles []postgres.LoginRole
	for _, role := range held {
		assert.False(f.t, f.roles[role.Name], "the login is disabled first")
		roles = append(roles, role.LoginRole)
	}
	return f.change("drop", roles, func(role string) { delete(f.roles, role) })
}

func (f *fleet) Rename(context.Context, []postgres.NewName) []postgres.Change { return nil }

func (f *fleet) CheckDatabase(context.Context, string, postgres.Owner) error {
	f.t.Error("unexpected: check a database")
	return nil
}

func (f *fleet) DropDatabase(context.Context, string, postgres.Owner) ([]string, error) {
	f.t.Error("unexpected: drop a database")
	return nil, nil
}

func (f *fleet) Purge(context.Context, []string) []postgres.Purged { return nil }

func (f *fleet) Warn(text string, _ ...any) { f.t.Error("unexpected warning: " + text) }

func (f *fleet) unbind() error {
	u := &Unbinder{
		Workloads: f, Snapshot: f.snapshot, Endpoints: f, Kube: f.kube, Report: f,
		Roles: func(*server.Endpoint, *inventory.Binding) Roles { return f },
	}
	var items []*Item
	for i := range len(f.workloads) {
		name := fmt.Sprintf("deployment.apps/web-%d", i)
		items = append(
			items,
			NewItem(inventory.Subject{Namespace: "ns", Name: name}, inventory.Filter{Secret: fmt.Sprintf("web-%d-pgbind", i)}),
		)
	}
	u.ReadWorkloads(f.t.Context(), items)
	return u.Unbind(f.t.Context(), items, Options{Timeout: time.Minute, Grace: time.Second})
}

// left returns the workloads, roles and Secrets of bindings that are not removed.
func (f *fleet) left() (workloads, roles, secrets []string) {
	for name, w := range f.workloads {
		if len(w.Annotations()) > 0 {
			workloads = append(workloads, name)
		}
	}
	for name := range f.roles {
		roles = append(roles, name)
	}
	list, err := f.kube.CoreV1().Secrets("ns").List(f.t.Context(), metav1.ListOptions{})
	require.NoError(f.t, err)
	for i := range list.Items {
		secrets = append(secrets, list.Items[i].Name)
	}
	slices.Sort(workloads)
	return workloads, roles, secrets
}

func TestUnbind_SharesRequestsOfManyItems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const number = 12
		f := newFleet(t, number)
		require.NoError(t, f.unbind())
		assert.Equal(t, map[string]int{
			"look up workloads": 2, "list secrets": 2, "snapshot": 2, "other user": number,
			"try patch": 1, "try Pods": 1, "get secrets": 1, "try delete": 1,
			"find server": 1, "holdings": 1, "disable": 1, "sessions": 1, "drop": 1,
			"patch": 2 * number, "rollout": number, "Pods": number, "delete secrets": number,
			"create events": number,
		}, f.requests)
		workloads, roles, secrets := f.left()
		assert.Empty(t, workloads)
		assert.Empty(t, roles)
		assert.Empty(t, secrets)
		assert.Len(t, f.Results, 3*number)
	})
}

func TestUnbind_ContinuesWithoutTheItemThatFails(t *testing.T) {
	const name, role, stored = "deployment.apps/web-1", "pgb_id1_1", "web-1-pgbind"
	broken := errors.New("broken")
	tests := map[string]struct {
		step string
		err  string
		left string // what the step leaves: the role is enabled or disabled, or gone
	}{
		"another workload uses the Secret": {"other user " + name, "also used by", "enabled"},
		"the role is another binding's":    {"holdings " + role, "its login in pod/pg-0: broken", "enabled"},
		"the patch is refused":             {"patch " + name, "run the same command again", "enabled"},
		"the rollout fails":                {"rollout " + name, "broken", "enabled"},
		"a Pod never ends":                 {"Pods " + name, "(pod/stuck): timed out after 1m0s", "enabled"},
		"the login cannot be disabled":     {"disable " + role, "disable the login of role", "enabled"},
		"the role cannot be dropped":       {"drop " + role, "drop role", "disabled"},
		"the Secret cannot be deleted":     {"delete secrets " + stored, "delete secret/" + stored, "gone"},
	}
	for what, test := range tests {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, 3)
				f.fail[test.step] = broken
				err := f.unbind()
				require.ErrorContains(t, err, name+" in namespace ns: ")
				require.ErrorContains(t, err, test.err)
				assert.NotContains(t, err.Error(), "web-2")
				workloads, roles, secrets := f.left()
				assert.Equal(t, []string{name}, workloads)
				assert.Equal(t, []string{stored}, secrets)
				if test.left == "gone" {
					assert.Empty(t, roles)
				} else {
					assert.Equal(t, map[string]bool{role: test.left == "enabled"}, f.roles)
				}
				f.fail = map[string]error{}
				require.NoError(t, f.unbind(), "the next run completes it")
				workloads, roles, secrets = f.left()
				assert.Empty(t, append(append(workloads, roles...), secrets...))
			})
		})
	}
}

func TestUnbind_RepeatsOnlyTheItemThatConflicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 3)
		f.fail["delete secrets web-1-pgbind"] = apierrors.NewConflict(corev1.Resource("secrets"), "web-1-pgbind", errors.New("changed"))
		require.NoError(t, f.unbind())
		assert.Equal(t, 4, f.requests["delete secrets"])
		_, _, secrets := f.left()
		assert.Empty(t, secrets)
	})
}
