package bind

import (
	"cmp"
	"context"
	"fmt"
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
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/metadata"
	metadatafake "k8s.io/client-go/metadata/fake"
	k8stesting "k8s.io/client-go/testing"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// world is a cluster and a server in memory. It remembers the order in which it was written to.
type world struct {
	t       *testing.T
	kube    *fake.Clientset
	current *workload.Workload
	role    *roleState   // the login role that was last spoken of
	others  []*roleState // those beside it
	log     []string

	server, primary string   // Pods: the one that is spoken to, the one that is no standby (empty: any)
	asked           []string // Pods that were to make a role
	moves           func()   // when the Pods are read again

	// fail makes the write of that name fail once, before it did anything; lose after it has done it.
	fail, lose map[string]error
	// before runs once, before the write of that name.
	before map[string]func()

	shown, warned, results []string
	written                *v1alpha1.Binding
}

const secretName = "postgresql-secret-2" //nolint:gosec // a name, not a credential

func deployment() *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "web", UID: "web-uid", ResourceVersion: "1"},
		Spec: appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			Containers: []corev1.Container{{Name: "app"}},
		}}},
	}
}

func newWorld(t *testing.T, objects ...runtime.Object) *world {
	t.Helper()
	w, err := workload.Of(deployment())
	require.NoError(t, err)
	objects = append(objects, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ns", UID: "ns-uid"}})
	world := &world{t: t, kube: fake.NewClientset(objects...), current: w,
		fail: map[string]error{}, lose: map[string]error{}, before: map[string]func(){}}
	world.kube.PrependReactor("*", "*", world.react)
	return world
}

// react checks each request, and keeps dry runs from writing.
func (w *world) react(action k8stesting.Action) (bool, runtime.Object, error) {
	verb := action.GetVerb() + " " + action.GetResource().Resource
	switch verb {
	case "get namespaces", "get secrets", "patch secrets", "delete secrets", "create events":
	case "create secrets":
		create, _ := action.(k8stesting.CreateActionImpl)
		if len(create.CreateOptions.DryRun) > 0 {
			_, err := w.kube.Tracker().Get(action.GetResource(), "ns", create.Object.(*corev1.Secret).Name)
			if err == nil {
				return true, nil, apierrors.NewAlreadyExists(schema.GroupResource{Resource: "secrets"}, "s")
			}
			return true, create.Object, w.fault("try secret")
		}
		secret, _ := create.Object.(*corev1.Secret)
		secret.UID = types.UID("uid-of-" + secret.Name)
	default:
		w.t.Errorf("unexpected request: %s", verb)
	}
	if verb == "create secrets" || verb == "delete secrets" {
		return w.faulty(verb, action)
	}
	return false, nil, nil
}

// faulty makes a write fail before or after it was done.
func (w *world) faulty(verb string, action k8stesting.Action) (bool, runtime.Object, error) {
	if err := w.fault(verb); err != nil {
		return true, nil, err
	}
	w.log = append(w.log, verb)
	if err, ok := w.lose[verb]; ok {
		delete(w.lose, verb)
		create, _ := action.(k8stesting.CreateActionImpl)
		require.NoError(w.t, w.kube.Tracker().Create(action.GetResource(), create.Object, "ns"))
		return true, nil, err
	}
	return false, nil, nil
}

func (w *world) fault(name string) error {
	if do, ok := w.before[name]; ok {
		delete(w.before, name)
		do()
	}
	err := w.fail[name]
	delete(w.fail, name)
	return err
}

func (w *world) TopOwner(context.Context, *workload.Workload) (string, error) { return "", nil }

func (w *world) Patch(_ context.Context, from *workload.Workload, change func(*workload.Workload) error, dryRun bool) (*workload.Workload, bool, error) {
	name := map[bool]string{true: "try patch", false: "patch"}[dryRun]
	if err := w.fault(name); err != nil {
		return nil, false, err
	}
	changed := w.current.DeepCopy()
	if err := change(changed); err != nil {
		return nil, false, err
	}
	patch, err := workload.PatchBytes(w.current, changed)
	if err != nil || patch == nil || dryRun {
		return from, patch != nil, err
	}
	w.log = append(w.log, "patch")
	w.current = changed
	err = w.lose[name]
	return changed, true, err
}

func (w *world) RecreatePod(context.Context, *workload.Workload, func(*workload.Workload) error, bool) (*workload.Workload, bool, error) {
	w.t.Error("unexpected: recreate")
	return nil, false, nil
}

func (w *world) Reread(context.Context, *workload.Workload) (*workload.Workload, error) {
	return w.current, w.fault("reread")
}

func (w *world) WaitRollout(ctx context.Context, _ *workload.Workload, progress func(string)) error {
	progress("rolled out")
	w.log = append(w.log, "rollout")
	if err := w.fault("rollout"); err != nil {
		return err
	}
	return ctx.Err()
}

func (w *world) Restart(context.Context, *workload.Workload, string, func(string)) error {
	w.t.Error("unexpected: restart")
	return nil
}

func (w *world) OutdatedPods(context.Context, *workload.Workload, string) ([]*corev1.Pod, error) {
	w.t.Error("unexpected: list Pods")
	return nil, nil
}

func (w *world) Candidates(_ context.Context, ref target.Ref, choice target.Choice) ([]*target.Database, error) {
	if err := w.fault("find"); err != nil {
		return nil, err
	}
	if len(w.asked) > 0 && w.moves != nil {
		w.moves()
	}
	names := []string{ref.Name}
	if ref.Kind != target.KindPod {
		names = []string{"pg-0", "pg-1", "pg-2"}
	}
	var found []*target.Database
	for _, name := range names {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: ref.Namespace, Name: name}}
		d := &target.Database{Pod: pod, Container: "db", Service: "svc", Port: 5432, PodPort: 5432, PodIP: "10.0.0.1", Location: "ns/statefulset/pg"}
		if choice.Host != "" {
			d.Service, d.Host, d.Port = "", choice.Host, cmp.Or(choice.Port, d.Port)
		}
		found = append(found, d)
	}
	return found, nil
}

func (w *world) Done(object, verb string) { w.results = append(w.results, object+" "+verb) }

func (w *world) Step(string, ...any) {}

func (w *world) Warn(format string, args ...any) {
	w.warned = append(w.warned, fmt.Sprintf(format, args...))
}

func (w *world) Show(text string) { w.shown = append(w.shown, text) }

func (w *world) roles(d *target.Database, _ Options) Roles {
	w.server = d.Pod.Name
	return w
}

// bind runs a bind against the world.
func (w *world) bind(ctx context.Context, change ...func(*Options)) error {
	w.log, w.results, w.warned, w.shown = nil, nil, nil, nil
	binder := &Binder{
		Workloads: w, Databases: w, Kube: w.kube, Metadata: w.metadata(), Report: w,
		Bound: func(written *v1alpha1.Binding) { w.written = written }, Roles: w.roles,
	}
	options := Options{
		Postgres: target.Ref{Kind: target.KindPod, Name: "pg-0", Namespace: "ns"}, Database: "postgres", AdminUser: "postgres",
		Level: postgres.All, Schemas: []string{"public"}, Reference: ReferenceOptions{Inject: workload.InjectEnvFrom},
		Rollout: RolloutOptions{Wait: true, Timeout: time.Minute},
	}
	for _, c := range change {
		c(&options)
	}
	return binder.Bind(ctx, w.current, options)
}

// metadata shows the Secrets of kube as a metadata client does.
func (w *world) metadata() metadata.Interface {
	scheme := metadatafake.NewTestScheme()
	require.NoError(w.t, metav1.AddMetaToScheme(scheme))
	client := metadatafake.NewSimpleMetadataClient(scheme)
	client.PrependReactor("*", "*", func(action k8stesting.Action) (bool, runtime.Object, error) {
		if action.GetVerb() != "list" || action.GetResource().Resource != "secrets" {
			w.t.Errorf("unexpected request: %s %s", action.GetVerb(), action.GetResource().Resource)
		}
		if err := w.fault("list secrets"); err != nil {
			return true, nil, err
		}
		list, err := w.kube.Tracker().List(action.GetResource(), corev1.SchemeGroupVersion.WithKind("Secret"), "ns")
		require.NoError(w.t, err)
		found := &metav1.List{}
		secrets, _ := list.(*corev1.SecretList)
		for _, s := range secrets.Items {
			found.Items = append(found.Items, runtime.RawExtension{Object: &metav1.PartialObjectMetadata{ObjectMeta: s.ObjectMeta}})
		}
		return true, found, nil
	})
	return client
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

// assertBound holds the three sides against each other.
func (w *world) assertBound() {
	w.t.Helper()
	require.NotNil(w.t, w.role)
	require.NotNil(w.t, w.secret())
	c, ok := credentials.Of(w.secret())
	require.True(w.t, ok)
	assert.Equal(w.t, w.role.password, c.Password)
	assert.Equal(w.t, w.role.name, c.Username)
	assert.Equal(w.t, "svc.ns.svc", c.Host)
	assert.True(w.t, slices.ContainsFunc(w.current.Template().Spec.Containers[0].EnvFrom, func(e corev1.EnvFromSource) bool {
		return e.SecretRef != nil && e.SecretRef.Name == secretName
	}))
	assert.Len(w.t, credentials.AnnotationsOf(w.current.Annotations()), 1)
}

// assertUntouched finds nothing of a binding.
func (w *world) assertUntouched() {
	w.t.Helper()
	assert.Nil(w.t, w.role)
	assert.Nil(w.t, w.secret())
	assert.Empty(w.t, w.current.Template().Spec.Containers[0].EnvFrom)
	assert.Empty(w.t, w.current.Annotations())
	assert.Empty(w.t, w.results, "what is undone is no result")
}

// assertNoPassword looks for the password in everything that was said.
func (w *world) assertNoPassword(err error) {
	w.t.Helper()
	if w.role == nil || w.role.password == "" {
		return
	}
	said := strings.Join(slices.Concat(w.shown, w.warned, w.results), "\n")
	assert.NotContains(w.t, said, w.role.password)
	if err != nil {
		assert.NotContains(w.t, err.Error(), w.role.password)
	}
}
