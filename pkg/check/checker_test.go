package check

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	metadatafake "k8s.io/client-go/metadata/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/fake"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

const location = "ns/statefulset/pg"

// readers fakes everything that the checker reads from. An unexpected call fails the test.
type readers struct {
	t         *testing.T
	databases map[server.Ref]error
	surveys   []func([]postgres.Question, bool) (*postgres.Survey, error)
}

func (r *readers) LookupAll(_ context.Context, _ string, names []string) []*workload.Named {
	assert.Empty(r.t, names, "unexpected read of workloads")
	return nil
}

func (r *readers) Hidden(context.Context, *workload.Workload, string, []string) []workload.Hidden {
	r.t.Error("unexpected search for hidden variables")
	return nil
}

func (r *readers) StalePods(context.Context, *workload.Workload, string, time.Time) ([]*corev1.Pod, error) {
	r.t.Error("unexpected read of Pods")
	return nil, errors.New("unexpected")
}

func (r *readers) Candidates(_ context.Context, ref server.Ref, _ server.Choice) ([]*server.Endpoint, error) {
	err, expected := r.databases[ref]
	assert.True(r.t, expected, "unexpected server %s", ref)
	if err != nil {
		return nil, err
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: ref.Namespace, Name: ref.Name}}
	return []*server.Endpoint{{Pod: pod, Location: location}, {Pod: pod, Location: location}}, nil
}

func (r *readers) Survey(_ context.Context, questions []postgres.Question, prove bool) (*postgres.Survey, error) {
	require.NotEmpty(r.t, r.surveys, "unexpected survey")
	next := r.surveys[0]
	r.surveys = r.surveys[1:]
	return next(questions, prove)
}

func newChecker(t *testing.T, r *readers, objects ...runtime.Object) *Checker {
	t.Helper()
	r.t = t
	t.Cleanup(func() { assert.Empty(t, r.surveys, "expected surveys that did not run") })
	return &Checker{
		Kube:      fake.NewCluster(t, []string{"get namespaces", "get secrets", "list secrets"}, nil, objects...),
		Workloads: r,
		Endpoints: r,
		Server:    func(*server.Endpoint) Server { return r },
	}
}

// read returns the inventory of objects. Listing the forbidden resource fails.
func read(t *testing.T, forbidden string, objects ...runtime.Object) *inventory.Inventory {
	t.Helper()
	scheme := metadatafake.NewTestScheme()
	require.NoError(t, metav1.AddMetaToScheme(scheme))
	client := metadatafake.NewSimpleMetadataClient(scheme, objects...)
	client.PrependReactor("list", forbidden, func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: forbidden}, "", nil)
	})
	found, err := inventory.NewReader(client).Read(t.Context(), "ns", labels.Everything())
	require.NoError(t, err)
	return found
}

func namespace(uid types.UID) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ns", UID: uid}}
}

func TestCheck_ReportsRolesWithoutSecret(t *testing.T) {
	deployment := &metav1.PartialObjectMetadata{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "web", UID: "uid-web"},
	}
	mine := postgres.Owner{ID: "abc", Namespace: "ns", NamespaceUID: "uid"}
	with := func(change func(*postgres.Owner)) postgres.Owner {
		o := mine
		change(&o)
		return o
	}
	tests := map[string]struct {
		owner     postgres.Owner
		unmarked  bool
		forbidden string
		kube      []runtime.Object
		reason    Reason
		fix       string
	}{
		"orphaned role": {
			owner:  mine,
			kube:   []runtime.Object{namespace("uid")},
			reason: OrphanedRole,
			fix:    "kubectl pgbind prune --postgres pod/pg-0 -n ns",
		},
		"interrupted bind": {
			owner:  with(func(o *postgres.Owner) { o.ID = secret.ID("uid-web", location, "shop", false) }),
			kube:   []runtime.Object{namespace("uid")},
			reason: Unfinished,
			fix:    "kubectl pgbind deployment.apps/web --postgres pod/pg-0 --dbname shop -n ns",
		},
		"recreated namespace": {owner: mine, kube: []runtime.Object{namespace("later")}, reason: Unknown},
		"deleted namespace":   {owner: mine, reason: Unknown},
		"comment without UID": {
			owner:  with(func(o *postgres.Owner) { o.NamespaceUID = "" }),
			kube:   []runtime.Object{namespace("uid")},
			reason: Unknown,
		},
		"Secrets are not readable": {
			owner:     mine,
			forbidden: "secrets",
			kube:      []runtime.Object{namespace("uid")},
			reason:    Unknown,
			fix:       "kubectl auth can-i list secrets -n ns",
		},
		"workloads are not readable": {
			owner:     mine,
			forbidden: "pods",
			kube:      []runtime.Object{namespace("uid")},
			reason:    Unknown,
			fix:       "kubectl auth can-i list secrets -n ns",
		},
		"role of another namespace": {
			owner: with(func(o *postgres.Owner) { o.Namespace = "other" }),
			kube:  []runtime.Object{namespace("uid")},
		},
		"role without metadata": {owner: mine, unmarked: true, kube: []runtime.Object{namespace("uid")}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			ref := server.Ref{Kind: "pod", Name: "pg-0", Namespace: "ns"}
			r := &readers{databases: map[server.Ref]error{ref: nil}, surveys: []func([]postgres.Question, bool) (*postgres.Survey, error){
				func([]postgres.Question, bool) (*postgres.Survey, error) { return nil, postgres.ErrStandby },
				func(questions []postgres.Question, prove bool) (*postgres.Survey, error) {
					assert.Empty(t, questions)
					assert.False(t, prove)
					role := postgres.MarkedRole{Name: "pgb_abc_1", Owner: test.owner, Marked: !test.unmarked}
					return &postgres.Survey{
						Roles:     map[string]postgres.MarkedRole{role.Name: role},
						Databases: []string{"postgres", "shop"},
					}, nil
				},
			}}
			found, err := newChecker(
				t,
				r,
				test.kube...).Check(
				t.Context(),
				Scope{Orphans: read(t, test.forbidden, deployment), Namespace: "ns", Server: ref},
			)
			require.NoError(t, err)
			if test.reason == "" {
				assert.Empty(t, found)
				return
			}
			require.Len(t, found, 1)
			assert.Equal(t, test.reason, found[0].Reason, found[0].Message)
			assert.Equal(t, test.fix, found[0].Fix.Command)
			if test.reason == OrphanedRole {
				assert.Equal(t, ref, found[0].Server)
				assert.Equal(t, test.owner, found[0].Owner)
			}
		})
	}
}

func TestCheck_ReportsMissingServerIfRequired(t *testing.T) {
	ref := server.Ref{Kind: "pod", Name: "pg-0", Namespace: "ns"}
	gone := fmt.Errorf("find: %w", apierrors.NewNotFound(schema.GroupResource{Resource: "pods"}, "pg-0"))
	for _, required := range []bool{false, true} {
		r := &readers{databases: map[server.Ref]error{ref: gone}}
		found, err := newChecker(t, r).Check(t.Context(), Scope{Orphans: read(t, ""), Namespace: "ns", Server: ref, Required: required})
		require.NoError(t, err)
		if !required {
			assert.Empty(t, found)
			continue
		}
		require.Len(t, found, 1)
		assert.Equal(t, Unknown, found[0].Reason)
	}
}

func TestCheck_SurveysEachServerOnce(t *testing.T) {
	var bindings []inventory.Entry
	var objects []runtime.Object
	for _, name := range []string{"b", "a"} {
		marks := secret.Marks{
			BindingSpec: v1alpha1.BindingSpec{
				Workload: "deployment.apps/" + name,
				DBName:   "db-" + name,
				Postgres: "pod/pg-0",
				Access:   "all",
			},
			BindingStatus: v1alpha1.BindingStatus{ID: name, Role: "pgb_" + name + "_1", Generation: 1},
		}
		bindings = append(
			bindings,
			inventory.Entry{Namespace: "ns", SecretName: name, Marks: marks, Secret: inventory.Present, Workload: inventory.Absent},
		)
		stored, err := secret.NewSecret(types.NamespacedName{Namespace: "ns", Name: name}, marks,
			secret.Credentials{Host: "h", Username: marks.Role, Password: "secret-" + name, Database: "db-" + name})
		require.NoError(t, err)
		objects = append(objects, stored)
	}
	ref := server.Ref{Kind: "pod", Name: "pg-0", Namespace: "ns"}
	r := &readers{databases: map[server.Ref]error{ref: nil}, surveys: []func([]postgres.Question, bool) (*postgres.Survey, error){
		func(questions []postgres.Question, _ bool) (*postgres.Survey, error) {
			require.Len(t, questions, 2)
			assert.Equal(t, "pgb_a_1", questions[0].Role, "questions are in the order of the databases")
			assert.Equal(t, "secret-a", questions[0].Login.Password)
			return &postgres.Survey{Answers: make([]postgres.Answer, 2)}, errors.New("the server went away")
		},
	}}
	found, err := newChecker(t, r, objects...).Check(t.Context(), Scope{Bindings: bindings})
	require.NoError(t, err)
	var reasons []Reason
	for _, f := range found {
		reasons = append(reasons, f.Reason)
		assert.NotContains(t, f.Message+f.Fix.Command, "secret-")
	}
	assert.Equal(t, []Reason{OrphanedSecret, OrphanedSecret, Unknown, Unknown}, reasons)
}

func TestCheck_ReturnsCauseOfContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("stopped")
	cancel(cause)
	_, err := newChecker(t, &readers{}).Check(ctx, Scope{})
	require.ErrorIs(t, err, cause)
}
