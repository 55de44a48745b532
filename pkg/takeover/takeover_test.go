package takeover

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	kubefake "k8s.io/client-go/kubernetes/fake"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/binding"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/defaults"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/fake"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/keys"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/unbind"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// world is a cluster with one workload, which logs in as boss.
type world struct {
	t         *testing.T
	workload  *workload.Workload
	kube      *kubefake.Clientset
	former    postgres.FormerLogin
	drains    int // how often the sessions are read until they have ended
	password  string
	refuse    error
	any       bool     // role may be read
	sharers   []string // of the access role
	stranger  bool     // no login role is a member of the access role
	bindErr   error
	counted   postgres.Counted
	uncounted error
	users     []*workload.Workload // of the Secret with the former login
	log       []string
	fake.Reporter
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, kube: kubefake.NewClientset(), password: "secret", former: postgres.FormerLogin{
		Exists:     true,
		Statements: []string{"ALTER TABLE x OWNER TO y"},
		Stays:      []postgres.Kept{{Object: "function f()", Reason: "it runs as its owner"}},
		Sessions:   []postgres.FormerSession{{Address: "10.0.0.7", Count: 2}},
	}}
	of, err := workload.Of(&appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "web", UID: "web-uid"},
		Spec: appsv1.DeploymentSpec{
			Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Env: []corev1.EnvVar{
				{
					Name:  "DB_HOST",
					Value: "svc",
				},
				{Name: "DB_USER", Value: "boss"},
				{Name: "DB_PASSWORD", Value: "secret"},
				{Name: "DB_NAME", Value: "shop"},
			}}}}},
		},
	})
	require.NoError(t, err)
	w.workload = of
	return w
}

func (w *world) wrote(text string, args ...any) { w.log = append(w.log, fmt.Sprintf(text, args...)) }

func (w *world) lastShown() string {
	require.NotEmpty(w.t, w.Shown)
	return w.Shown[len(w.Shown)-1]
}

func (w *world) Confirm(context.Context, string) error { return w.refuse }

func (w *world) Variables(_ context.Context, of *workload.Workload, container, _ string) (keys.Container, error, error) {
	require.Equal(w.t, "app", container)
	return keys.Container{Env: of.Template().Spec.Containers[0].Env}, nil, nil
}

func (w *world) Pods(context.Context, *workload.Workload) ([]*corev1.Pod, error) {
	return []*corev1.Pod{{ObjectMeta: metav1.ObjectMeta{Name: "web-1"}, Status: corev1.PodStatus{PodIP: "10.0.0.7"}}}, nil
}

func (w *world) UsersOf(context.Context, string, []string) (map[string][]*workload.Workload, error) {
	if w.users == nil {
		w.t.Error("unexpected: no Secret has the login")
	}
	return map[string][]*workload.Workload{"login": w.users}, nil
}

func (w *world) Candidates(_ context.Context, ref server.Ref, _ server.Choice) ([]*server.Endpoint, error) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: ref.Namespace, Name: ref.Name, OwnerReferences: []metav1.OwnerReference{
		{Kind: "StatefulSet", Name: "pg", UID: "uid-of-pg", Controller: new(true)},
	}}}
	return []*server.Endpoint{
		{Pod: pod, Container: "db", Service: "svc", Port: 5432, PodPort: 5432, PodIP: "10.0.0.1", Location: "ns/pod/pg-0"},
	}, nil
}

func (w *world) Complete(_ context.Context, q defaults.Request) (v1alpha1.BindingSpec, []*server.Endpoint, error) {
	q.Spec.Postgres, q.Spec.DBName = "pod/pg-0", "shop"
	return q.Spec, nil, nil
}

func (w *world) Run(_ context.Context, items []*binding.Item) error {
	i := items[0]
	require.True(w.t, i.Spec.NamesFromWorkload)
	require.Equal(w.t, "all", i.Spec.Access)
	w.wrote("bind, hand over from %s", i.FormerLogin)
	i.Err = w.bindErr
	return nil
}

func (w *world) Unbind(_ context.Context, items []*unbind.Item, o unbind.Options) error {
	require.Len(w.t, items, 1)
	require.True(w.t, o.Purge)
	w.wrote("unbind")
	return nil
}

func (w *world) FormerLogin(_ context.Context, a postgres.Access, role string) (*postgres.FormerLogin, error) {
	require.True(w.t, w.any || role == "boss", role)
	require.Equal(w.t, postgres.Access{Database: "shop", Schemas: []string{"public"}, Level: postgres.All}, a)
	if w.drains--; w.drains < 0 {
		left := w.former
		left.Sessions = nil
		return &left, nil
	}
	return &w.former, nil
}

func (w *world) Counted(_ context.Context, database string, roles []string) (*postgres.Counted, error) {
	require.Equal(w.t, "shop", database)
	require.Equal(w.t, []string{"boss"}, roles)
	return &w.counted, w.uncounted
}

func (w *world) VerifyLogin(_ context.Context, _, _ string, l postgres.Login) error {
	if l.Password != w.password {
		return &postgres.LoginError{Message: "no"}
	}
	return nil
}

func (w *world) TransferOwnership(_ context.Context, transfer postgres.OwnershipTransfer) (*postgres.TransferResult, error) {
	w.wrote("hand over from %s", transfer.Login)
	return &postgres.TransferResult{}, nil
}

func (w *world) ReturnOwnership(_ context.Context, transfer postgres.OwnershipTransfer) (*postgres.TransferResult, error) {
	if w.stranger && transfer.Owner.ID != "" {
		return &postgres.TransferResult{}, &postgres.ForeignRoleError{Role: transfer.Access.Role()}
	}
	require.Equal(w.t, "pgb_id_1", transfer.Own)
	w.wrote("give back to %s except %v", transfer.Login, transfer.Except)
	return &postgres.TransferResult{Sharers: w.sharers}, nil
}

func (w *world) RevokeMembership(context.Context, postgres.OwnershipTransfer) (*postgres.TransferResult, error) {
	w.wrote("end loan")
	return &postgres.TransferResult{}, nil
}

func (w *world) taker() *Taker {
	return &Taker{Workloads: w, Endpoints: w, Defaults: w, Binder: w, Unbinder: w, Kube: w.kube, Report: w, Confirm: w.Confirm,
		Roles: func(*server.Endpoint, v1alpha1.BindingSpec) Roles { return w }}
}

func (w *world) take(change ...func(*binding.Item)) error {
	i := &binding.Item{Workload: w.workload, Options: binding.Options{Wait: true, Timeout: 5 * time.Second}}
	for _, c := range change {
		c(i)
	}
	return w.taker().Take(w.t.Context(), i)
}

func TestTake_HandsOverAndWaitsForTheSessions(t *testing.T) {
	w := newWorld(t)
	w.drains = 2
	require.NoError(t, w.take())
	assert.Equal(t, []string{"bind, hand over from boss", "hand over from boss", "end loan"}, w.log)
	assert.Empty(t, w.Warned)
}

func TestTake_ASuperuserNeedsNoLoan(t *testing.T) {
	w := newWorld(t)
	w.former.Superuser = true
	require.NoError(t, w.take())
	assert.Equal(t, []string{"bind, hand over from boss", "hand over from boss"}, w.log)
}

func TestTake_NamesSessionsThatStay(t *testing.T) {
	w := newWorld(t)
	w.drains = 1000
	err := w.take(func(i *binding.Item) { i.Options.Timeout = time.Millisecond })
	require.ErrorContains(t, err, "pod/web-1 (2)")
	assert.Equal(t, []string{"bind, hand over from boss"}, w.log)
}

func TestTake_AsksIfOthersUseTheLogin(t *testing.T) {
	w := newWorld(t)
	w.drains = 1
	w.former.Sessions = append(w.former.Sessions, postgres.FormerSession{Address: "10.0.0.8", Count: 1}, postgres.FormerSession{Count: 1})
	w.refuse = errors.New("no")
	require.ErrorIs(t, w.take(), w.refuse)
	assert.Empty(t, w.log)
	assert.Contains(t, w.Warned[0], "a session from 10.0.0.8")

	w.refuse, w.drains, w.Warned = nil, 1, nil
	require.NoError(t, w.take())
	assert.NotContains(t, w.log, "end loan")
	assert.Contains(t, w.Warned[1], "REVOKE")
}

// TestTake_TheServerIsNoOther: the password of the superuser is often in a Secret that the server's own Pod template uses too.
func TestTake_TheServerIsNoOther(t *testing.T) {
	w := newWorld(t)
	w.drains = 1
	held := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "login"}, Data: map[string][]byte{"password": []byte("secret")},
	}
	_, err := w.kube.CoreV1().Secrets("ns").Create(t.Context(), held, metav1.CreateOptions{})
	require.NoError(t, err)
	w.workload.Template().Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{
		{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "login"}}},
	}
	for _, name := range []string{"pg", "other"} {
		set, err := workload.Of(
			&appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, UID: types.UID("uid-of-" + name)}},
		)
		require.NoError(t, err)
		w.users = append(w.users, set)
	}
	w.refuse = errors.New("no")
	require.ErrorIs(t, w.take(), w.refuse)
	assert.Contains(t, w.Warned[0], "is also used by statefulset.apps/other in database")
}

// TestTake_IgnoresSessionsOfPodsThatEnded has the server still report the session of a Pod of the last rollout.
func TestTake_IgnoresSessionsOfPodsThatEnded(t *testing.T) {
	for phase, asks := range map[corev1.PodPhase]bool{corev1.PodFailed: false, corev1.PodSucceeded: false, corev1.PodRunning: true} {
		w := newWorld(t)
		w.drains = 1
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "old"}, Status: corev1.PodStatus{Phase: phase, PodIP: "10.0.0.8"},
		}
		_, err := w.kube.CoreV1().Pods("ns").Create(t.Context(), pod, metav1.CreateOptions{})
		require.NoError(t, err)
		w.former.Sessions = append(w.former.Sessions, postgres.FormerSession{Address: "10.0.0.8", Count: 1})
		require.NoError(t, w.take())
		assert.Equal(t, asks, len(w.Warned) > 0, "%s: %v", phase, w.Warned)
	}
}

func TestTake_RefusesBeforeItWrites(t *testing.T) {
	for says, change := range map[string]func(*world){
		"does not work":     func(w *world) { w.password = "other" },
		"does not exist":    func(w *world) { w.former.Exists = false },
		"belongs to a bind": func(w *world) { w.former.Marked = true },
		"is not recognized": func(w *world) { w.workload.Template().Spec.Containers[0].Env = nil },
		"which no takeover": func(w *world) { w.bindBefore("") },
	} {
		w := newWorld(t)
		w.drains = 1
		change(w)
		require.ErrorContains(t, w.take(), says)
		assert.Empty(t, w.log, says)
	}
}

// bindBefore gives the workload a binding.
func (w *world) bindBefore(former string) {
	w.t.Helper()
	marks := secret.Marks{
		BindingSpec: v1alpha1.BindingSpec{
			Workload: "deployment.apps/web",
			Postgres: "pod/pg-0",
			DBName:   "shop",
			Access:   "all",
			Schemas:  []string{"public"},
		},
		BindingStatus: v1alpha1.BindingStatus{
			ID:          "id",
			Role:        "pgb_id_1",
			Generation:  1,
			FormerLogin: former,
			OwnedBefore: []string{"table x"},
		},
	}
	key, err := secret.AnnotationKey("login")
	require.NoError(w.t, err)
	note := marks.Note()
	env := w.workload.Template().Spec.Containers[0].Env
	for n := range env {
		entry := env[n]
		note.Former = append(note.Former, secret.FormerVariable{Container: "app", Name: entry.Name, Entry: &entry})
		env[n] = corev1.EnvVar{Name: env[n].Name, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: "login"}, Key: env[n].Name}}}
	}
	w.workload.SetAnnotation(key, note.Value())
	require.NoError(w.t, w.kube.Tracker().Add(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Namespace: "ns",
		Name:      "login",
		Labels: map[string]string{
			secret.ManagedByLabel: secret.ManagedBy,
		},
		Annotations: map[string]string{"pgbind.dev/binding": marks.Value()},
	}}))
}

func TestTake_ContinuesAfterAnInterruption(t *testing.T) {
	w := newWorld(t)
	w.bindBefore("boss")
	require.NoError(t, w.take())
	assert.Equal(t, []string{"bind, hand over from boss", "hand over from boss", "end loan"}, w.log)
}

func TestTake_DryRunShowsEachStatement(t *testing.T) {
	w := newWorld(t)
	w.drains = 1
	require.NoError(t, w.take(func(i *binding.Item) { i.Options.DryRun = cmdutil.DryRunClient }))
	assert.Contains(t, w.lastShown(), "ALTER TABLE x OWNER TO y;")
	assert.Contains(t, w.lastShown(), "function f() stays")
	assert.Equal(t, []string{"bind, hand over from boss"}, w.log, "the pipeline prints its own part")
}

func TestUndo(t *testing.T) {
	w := newWorld(t)
	n := inventory.Subject{Namespace: "ns", Name: "deployment.apps/web", Workload: w.workload}
	require.ErrorContains(t, w.taker().Undo(t.Context(), n, server.Choice{}, unbind.Options{}), "has no binding")
	w.bindBefore("boss")
	w.refuse = errors.New("no")
	require.ErrorIs(t, w.taker().Undo(t.Context(), n, server.Choice{}, unbind.Options{}), w.refuse)
	assert.Empty(t, w.log)
	w.refuse = nil
	require.NoError(t, w.taker().Undo(t.Context(), n, server.Choice{}, unbind.Options{}))
	assert.Equal(t, []string{"give back to boss except [table x]", "unbind", "give back to boss except [table x]"}, w.log)
}

func TestUndo_GivesNothingBackForAnAccessRoleOfOthers(t *testing.T) {
	w := newWorld(t)
	w.bindBefore("boss")
	w.stranger = true
	n := inventory.Subject{Namespace: "ns", Name: "deployment.apps/web", Workload: w.workload}
	require.NoError(t, w.taker().Undo(t.Context(), n, server.Choice{}, unbind.Options{}))
	assert.Equal(t, []string{"unbind"}, w.log)
	assert.Len(t, w.Warned, 1)
}

func TestUndo_KeepsOwnershipOfASharedAccessRole(t *testing.T) {
	for superuser, want := range map[bool]string{true: "", false: "cannot have while pgb_other_1 share that role"} {
		w := newWorld(t)
		w.bindBefore("boss")
		w.sharers, w.former.Superuser = []string{"pgb_other_1"}, superuser
		err := w.taker().Undo(
			t.Context(), inventory.Subject{Namespace: "ns", Name: "deployment.apps/web", Workload: w.workload},
			server.Choice{}, unbind.Options{},
		)
		if want != "" {
			require.ErrorContains(t, err, want)
			assert.NotContains(t, w.log, "unbind")
			continue
		}
		require.NoError(t, err)
		assert.Contains(t, w.log, "unbind")
		assert.Contains(t, w.Warned[0], "because pgb_other_1 share it")
	}
}

// TestForgedMetadata: everyone who can write the Secret can name another role in it.
func TestForgedMetadata(t *testing.T) {
	w := newWorld(t)
	w.bindBefore("boss")
	n := inventory.Subject{Namespace: "ns", Name: "deployment.apps/web", Workload: w.workload}
	w.password = "another"
	require.ErrorContains(t, w.take(), "does not work")
	require.ErrorContains(t, w.taker().Undo(t.Context(), n, server.Choice{}, unbind.Options{}), "does not work")

	w = newWorld(t)
	w.bindBefore("postgres")
	n.Workload, w.any = w.workload, true
	require.ErrorContains(t, w.take(), "name another one")
	require.ErrorContains(t, w.taker().Undo(t.Context(), n, server.Choice{}, unbind.Options{}), "name another one")
	assert.Empty(t, w.log)
}

func TestUndo_RefusesABindingThatNoTakeoverCreated(t *testing.T) {
	w := newWorld(t)
	w.bindBefore("")
	n := inventory.Subject{Namespace: "ns", Name: "deployment.apps/web", Workload: w.workload}
	require.ErrorContains(t, w.taker().Undo(t.Context(), n, server.Choice{}, unbind.Options{}), "kubectl pgbind unbind")
	assert.Empty(t, w.log)
}

func TestTake_PrintsWhetherTheLevelIsNeeded(t *testing.T) {
	since := time.Date(2026, 11, 3, 4, 5, 6, 0, time.UTC)
	for name, test := range map[string]struct {
		counted postgres.Counted
		err     error
		want    string
	}{
		"an owner's statement": {
			counted: postgres.Counted{Since: since, Statements: []postgres.Statement{{Text: "SELECT 1"}, {Text: "CREATE TABLE t (id int)"}}},
			want:    `access level all is needed: role "boss" executed since 2026-11-03T04:05:06Z: CREATE TABLE t`,
		},
		"no owner's statement": {
			counted: postgres.Counted{Statements: []postgres.Statement{{Text: "SELECT 1"}}},
			want:    `no statement of role "boss" needs it: after the takeover, kubectl pgbind check --fit`,
		},
		"no statement": {want: "counted no statement"},
		"no answer":    {err: errors.New("no route"), want: "unknown: no route"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.counted, w.uncounted = test.counted, test.err
			require.NoError(t, w.take(func(i *binding.Item) { i.Options.DryRun = cmdutil.DryRunClient }))
			assert.Contains(t, w.lastShown(), test.want)
			assert.True(t, strings.HasSuffix(w.lastShown(), "\n---"))
		})
	}
}
