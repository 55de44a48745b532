package binding

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	k8stesting "k8s.io/client-go/testing"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/defaults"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/keys"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// react returns the declared failures, and keeps dry runs from writing.
func (w *world) react(action k8stesting.Action) (bool, runtime.Object, error) {
	verb := action.GetVerb() + " " + action.GetResource().Resource
	switch verb {
	case "create selfsubjectrulesreviews":
		return w.review(action)
	case "patch secrets":
		if err := w.fault(verb); err != nil {
			return true, nil, err
		}
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
	}
	if verb == "create secrets" || verb == "delete secrets" {
		return w.faulty(verb, action)
	}
	return false, nil, nil
}

// review lists the permissions of the user: all but those that the test denies.
func (w *world) review(action k8stesting.Action) (bool, runtime.Object, error) {
	create, _ := action.(k8stesting.CreateAction)
	review, _ := create.GetObject().(*authorizationv1.SelfSubjectRulesReview)
	for _, rule := range []authorizationv1.ResourceRule{
		{Verbs: []string{"get", "patch"}, APIGroups: []string{"apps"}, Resources: []string{"deployments"}},
		{Verbs: []string{"get", "list", "create"}, APIGroups: []string{"", "discovery.k8s.io"}, Resources: []string{"pods", "services", "endpointslices"}},
		{Verbs: []string{"create"}, APIGroups: []string{""}, Resources: []string{"secrets", "pods/exec"}},
	} {
		rule.Resources = slices.DeleteFunc(rule.Resources, func(resource string) bool { return slices.Contains(w.denied, resource) })
		review.Status.ResourceRules = append(review.Status.ResourceRules, rule)
	}
	return true, review, w.fault("review")
}

// faulty makes a write fail before or after it was done.
func (w *world) faulty(verb string, action k8stesting.Action) (bool, runtime.Object, error) {
	if err := w.fault(verb); err != nil {
		return true, nil, err
	}
	w.wrote(verb)
	w.mu.Lock()
	err, ok := w.lose[verb]
	delete(w.lose, verb)
	w.mu.Unlock()
	if ok {
		create, _ := action.(k8stesting.CreateActionImpl)
		require.NoError(w.t, w.kube.Tracker().Create(action.GetResource(), create.Object, "ns"))
		return true, nil, err
	}
	return false, nil, nil
}

func (w *world) wrote(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, what)
}

func (w *world) fault(name string) error {
	w.mu.Lock()
	do, ok := w.before[name]
	delete(w.before, name)
	w.mu.Unlock()
	if ok {
		do()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	err := cmp.Or(w.always[name], w.fail[name])
	delete(w.fail, name)
	return err
}

func (w *world) Get(_ context.Context, namespace string, args []string) ([]*workload.Workload, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gets++
	_, name, _ := strings.Cut(args[0], "/")
	found, ok := w.workloads[name]
	if !ok || namespace != "ns" {
		return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "deployments"}, args[0])
	}
	return []*workload.Workload{found}, nil
}

func (w *world) List(_ context.Context, namespace string, of workload.Type) ([]*workload.Workload, error) {
	if err := w.fault("list"); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lists++
	require.Equal(w.t, "ns/deployment", namespace+"/"+of.Name)
	return slices.Collect(maps.Values(w.workloads)), nil
}

func (w *world) Variables(_ context.Context, of *workload.Workload, container, own string) (keys.Container, error, error) {
	require.Equal(w.t, "app", container)
	template := of.Template().DeepCopy()
	workload.RemoveReference(template, own)
	return keys.Container{Env: template.Spec.Containers[0].Env}, w.unread, nil
}

func (w *world) Users(_ context.Context, _, secretName string) (users []*workload.Workload, err error) {
	if err := w.fault("users"); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(w.workloads)) {
		if used := w.workloads[name]; workload.UsesSecret(&used.Template().Spec, secretName) {
			users = append(users, used)
		}
	}
	return users, nil
}

func (w *world) TopOwner(context.Context, *workload.Workload) (string, error) { return "", nil }

func (w *world) Patch(
	_ context.Context, from *workload.Workload, change func(*workload.Workload) error, dryRun bool,
) (*workload.Workload, bool, error) {
	name := map[bool]string{true: "try patch", false: "patch"}[dryRun]
	if err := cmp.Or(w.fault(name), w.fault(name+" "+from.Name())); err != nil {
		return nil, false, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if dryRun {
		w.dries++
	}
	current := w.workloads[from.Name()]
	changed := current.DeepCopy()
	if err := change(changed); err != nil {
		return nil, false, err
	}
	patch, err := workload.PatchBytes(current, changed)
	if err != nil || patch == nil || dryRun {
		return from, patch != nil, err
	}
	w.log = append(w.log, "patch")
	w.workloads[from.Name()] = changed
	err = w.lose[name]
	return changed, true, err
}

func (w *world) RecreatePod(context.Context, *workload.Workload, func(*workload.Workload) error, bool) (*workload.Workload, bool, error) {
	w.t.Error("unexpected: recreate")
	return nil, false, nil
}

func (w *world) Reread(_ context.Context, of *workload.Workload) (*workload.Workload, error) {
	err := w.fault("reread")
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.workloads[of.Name()], err
}

func (w *world) WaitRollout(ctx context.Context, _ *workload.Workload, progress func(string)) error {
	progress("rolled out")
	w.wrote("rollout")
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

// Complete has the defaults of the lesson.
func (w *world) Complete(_ context.Context, q defaults.Request) (v1alpha1.BindingSpec, []*server.Endpoint, error) {
	if err := w.fault("complete " + q.Spec.Workload); err != nil {
		return q.Spec, nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.completed = append(w.completed, q)
	spec, complete := q.Spec, q.Spec.WithDefaults(q.Namespace)
	spec.Postgres, spec.DBName = complete.Postgres, complete.DBName
	return spec, w.foundBefore, nil
}

func (w *world) Candidates(_ context.Context, ref server.Ref, choice server.Choice) ([]*server.Endpoint, error) {
	if err := cmp.Or(w.fault("find"), w.fault("find "+ref.Name)); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.searches++
	if len(w.asked) > 0 && w.moves != nil {
		w.moves()
	}
	names := []string{ref.Name}
	if ref.Kind != server.KindPod || choice.Location == "ns/statefulset/pg" {
		names = []string{"postgresql-sfs-0", "postgresql-sfs-1", "postgresql-sfs-2"}
	}
	var found []*server.Endpoint
	for _, name := range names {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: ref.Namespace, Name: name}}
		e := &server.Endpoint{
			Pod:       pod,
			Container: "db",
			Service:   cmp.Or(w.leader, "svc"),
			Port:      5432,
			PodPort:   5432,
			PodIP:     "10.0.0.1",
			Location:  "ns/statefulset/pg",
		}
		if choice.Host != "" {
			e.Service, e.Host, e.Port = "", choice.Host, cmp.Or(choice.Port, e.Port)
		}
		found = append(found, e)
	}
	return found, nil
}
