package inventory

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

const location = "shop/statefulset/pg"

// cluster returns a client that only lists metadata. Any other request fails the test.
func cluster(t *testing.T, objects ...runtime.Object) *fake.FakeMetadataClient {
	t.Helper()
	scheme := fake.NewTestScheme()
	require.NoError(t, metav1.AddMetaToScheme(scheme))
	client := fake.NewSimpleMetadataClient(scheme, objects...)
	client.PrependReactor("*", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		assert.Equal(t, "list", action.GetVerb())
		if action.GetResource().Resource == "secrets" {
			list, ok := action.(clienttesting.ListAction)
			require.True(t, ok)
			assert.Equal(t, "app.kubernetes.io/managed-by=kubectl-pgbind", list.GetListRestrictions().Labels.String())
		}
		return false, nil, nil
	})
	return client
}

func forbid(client *fake.FakeMetadataClient, resources ...string) {
	for _, resource := range resources {
		client.PrependReactor("list", resource, func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", nil)
		})
	}
}

// TestRead_KeepsBindingsOfOtherKinds requires that a workload whose kind is not listed is not reported as deleted, and is found if it is.
func TestRead_KeepsBindingsOfOtherKinds(t *testing.T) {
	rollout := &metav1.PartialObjectMetadata{
		TypeMeta: metav1.TypeMeta{
			APIVersion: "argoproj.io/v1alpha1",
			Kind:       "Rollout",
		},
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "uid-1"},
	}
	objects := []runtime.Object{newSecret("s", marksOf("rollout.argoproj.io/web", "uid-1")), rollout}
	found, err := NewReader(cluster(t, objects...)).Read(t.Context(), "shop", labels.Everything())
	require.NoError(t, err)
	require.Len(t, found.Entries, 1)
	assert.Equal(t, Unread, found.Entries[0].Workload)

	served := NewReader(cluster(t, objects...))
	served.Custom = func(context.Context) ([]workload.Resource, error) {
		gvk := schema.GroupVersionKind{Group: "argoproj.io", Version: "v1alpha1", Kind: "Rollout"}
		return []workload.Resource{{GroupVersionResource: gvk.GroupVersion().WithResource("rollouts"), Kind: gvk}}, nil
	}
	found, err = served.Read(t.Context(), "shop", labels.Everything())
	require.NoError(t, err)
	require.Len(t, found.Entries, 1)
	assert.Equal(t, Present, found.Entries[0].Workload)
}

// TestRead_DoesWithoutAKindWhoseGroupIsServed has Argo CD, whose API group is that of Rollouts, and no Rollouts.
func TestRead_DoesWithoutAKindWhoseGroupIsServed(t *testing.T) {
	gvk := schema.GroupVersionKind{Group: "argoproj.io", Version: "v1alpha1", Kind: "Rollout"}
	client := cluster(t, newSecret("s", marksOf("rollout.argoproj.io/web", "uid-1")))
	client.PrependReactor("list", "rollouts", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewNotFound(schema.GroupResource{Group: gvk.Group, Resource: "rollouts"}, "")
	})
	reader := NewReader(client)
	reader.Custom = func(context.Context) ([]workload.Resource, error) {
		return []workload.Resource{{GroupVersionResource: gvk.GroupVersion().WithResource("rollouts"), Kind: gvk}}, nil
	}
	found, err := reader.Read(t.Context(), "shop", labels.Everything())
	require.NoError(t, err)
	assert.Empty(t, found.Gaps)
	require.Len(t, found.Entries, 1)
	assert.Equal(t, Unread, found.Entries[0].Workload, "it is not known whether it was deleted")

	forbid(
		client,
		"deployments",
		"secrets",
		"statefulsets",
		"daemonsets",
		"replicasets",
		"replicationcontrollers",
		"cronjobs",
		"jobs",
		"pods",
	)
	_, err = reader.Read(t.Context(), "shop", labels.Everything())
	require.ErrorContains(t, err, "missing permissions")
}

// TestRead_DoesWithoutAKindThatNoBindingHas has a user who may not list Rollouts.
func TestRead_DoesWithoutAKindThatNoBindingHas(t *testing.T) {
	gvk := schema.GroupVersionKind{Group: "argoproj.io", Version: "v1alpha1", Kind: "Rollout"}
	for bound, gaps := range map[string]int{"deployment.apps/web": 0, "rollout.argoproj.io/web": 1} {
		client := cluster(t, newSecret("s", marksOf(bound, "uid-1")))
		forbid(client, "rollouts")
		reader := NewReader(client)
		reader.Custom = func(context.Context) ([]workload.Resource, error) {
			return []workload.Resource{{GroupVersionResource: gvk.GroupVersion().WithResource("rollouts"), Kind: gvk}}, nil
		}
		found, err := reader.Read(t.Context(), "shop", labels.Everything())
		require.NoError(t, err)
		assert.Len(t, found.Gaps, gaps, bound)
	}
}

func marksOf(workload string, uid types.UID) secret.Marks {
	return secret.Marks{
		BindingSpec: v1alpha1.BindingSpec{
			Workload:          workload,
			DBName:            "postgres",
			Postgres:          "pod/pg-0",
			PostgresNamespace: "shop",
			Access:            "readonly",
			Schemas:           []string{"public"},
		},
		BindingStatus: v1alpha1.BindingStatus{
			ID:         secret.ID(uid, location, "postgres", false),
			Location:   location,
			Role:       "pgb_x_1",
			Generation: 1,
		},
	}
}

// newSecret returns the metadata of a binding's Secret.
func newSecret(name string, marks secret.Marks) runtime.Object {
	made, err := secret.NewSecret(types.NamespacedName{Namespace: "shop", Name: name}, marks,
		secret.Credentials{Host: "h", Username: marks.Role, Password: "p"})
	if err != nil {
		panic(err)
	}
	made.CreationTimestamp = metav1.NewTime(noon.Add(-time.Hour))
	return &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: made.ObjectMeta}
}

// deployment returns the metadata of a Deployment whose annotations name the Secrets with these ids.
func deployment(name string, uid types.UID, ids map[string]string) *metav1.PartialObjectMetadata {
	object := &metav1.PartialObjectMetadata{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   "shop",
			Name:        name,
			UID:         uid,
			Labels:      map[string]string{"app": name},
			Annotations: map[string]string{},
		},
	}
	for secret, id := range ids {
		object.Annotations["binding.pgbind.dev/"+secret] = `{"id":"` + id + `","role":"pgb_x_1","database":"postgres","generation":1}`
	}
	return object
}

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func TestRead_ReturnsStates(t *testing.T) {
	web := marksOf("deployment.apps/web", "uid-web")
	expired := web
	expired.BindingStatus.Expires = &metav1.Time{Time: noon.Add(-time.Minute)}
	pod := marksOf("pod/one", "any UID")
	continued := web
	continued.WorkloadUID = "uid-later"
	tests := map[string]struct {
		objects []runtime.Object
		forbid  string
		state   State
	}{
		"Secret and workload match": {
			[]runtime.Object{newSecret("s", web), deployment("web", "uid-web", map[string]string{"s": web.ID})},
			"",
			Bound,
		},
		"no annotation on the workload": {[]runtime.Object{newSecret("s", web), deployment("web", "uid-web", nil)}, "", Unreferenced},
		"other id in the annotation": {
			[]runtime.Object{newSecret("s", web), deployment("web", "uid-web", map[string]string{"s": "other"})},
			"",
			Unreferenced,
		},
		"deleted workload": {[]runtime.Object{newSecret("s", web)}, "", NoWorkload},
		"recreated workload": {
			[]runtime.Object{newSecret("s", web), deployment("web", "uid-later", map[string]string{"s": web.ID})},
			"",
			Recreated,
		},
		"bound after it was recreated": {
			[]runtime.Object{newSecret("s", continued), deployment("web", "uid-later", map[string]string{"s": web.ID})},
			"",
			Bound,
		},
		"deleted Secret": {[]runtime.Object{deployment("web", "uid-web", map[string]string{"s": web.ID})}, "", NoSecret},
		"expired": {
			[]runtime.Object{newSecret("s", expired), deployment("web", "uid-web", map[string]string{"s": web.ID})},
			"",
			Expired,
		},
		"workloads cannot be listed":       {[]runtime.Object{newSecret("s", web)}, "deployments", Unknown},
		"other workloads cannot be listed": {[]runtime.Object{newSecret("s", web)}, "statefulsets", NoWorkload},
		"Secrets cannot be listed": {
			[]runtime.Object{newSecret("s", web), deployment("web", "uid-web", map[string]string{"s": web.ID})},
			"secrets",
			Unknown,
		},
		"bare Pod is matched by name": {
			[]runtime.Object{
				newSecret("s", pod),
				&metav1.PartialObjectMetadata{
					TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
					ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "one", UID: "new"},
				},
			},
			"",
			Unreferenced,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client := cluster(t, test.objects...)
			forbid(client, test.forbid)
			found, err := NewReader(client).Read(t.Context(), "shop", labels.Everything())
			require.NoError(t, err)
			require.Len(t, found.Entries, 1)
			assert.Equal(t, test.state, found.Entries[0].State(noon))
			assert.Equal(t, "s", found.Entries[0].SecretName)
			assert.Len(t, found.Gaps, min(len(test.forbid), 1))
			assert.Equal(t, test.forbid != "secrets", found.SecretsRead())
		})
	}
}

func TestRead_FindsBindingWithoutSecret(t *testing.T) {
	marks := marksOf("deployment.apps/web", "uid-web")
	marks.Isolated, marks.Schemas, marks.Keys = true, []string{"shop"}, []string{"uri"}
	web := deployment("web", "uid-web", nil)
	web.Annotations["binding.pgbind.dev/s"] = marks.Value()
	found, err := NewReader(cluster(t, web)).Read(t.Context(), "shop", labels.Everything())
	require.NoError(t, err)
	require.Len(t, found.Entries, 1)
	assert.Equal(t, marks, found.Entries[0].Marks)
}

func TestRead_IgnoresCopiedAnnotations(t *testing.T) {
	web := marksOf("deployment.apps/web", "uid-web")
	copied := deployment("web-5d8f", "uid-set", map[string]string{"s": web.ID})
	copied.Kind = "ReplicaSet"
	controller := true
	copied.OwnerReferences = []metav1.OwnerReference{
		{APIVersion: "apps/v1", Kind: "Deployment", Name: "web", UID: "uid-web", Controller: &controller},
	}
	client := cluster(t, copied, deployment("web", "uid-web", map[string]string{"s": web.ID}), newSecret("s", web))
	found, err := NewReader(client).Read(t.Context(), "shop", labels.Everything())
	require.NoError(t, err)
	assert.Len(t, found.Entries, 1)
	workloads, whole := found.Workloads("shop")
	assert.True(t, whole)
	assert.Equal(t, []Workload{{"shop", "deployment.apps/web", "uid-web"}}, workloads)
}

func TestRead_SelectsWorkloads(t *testing.T) {
	web, api := marksOf("deployment.apps/web", "uid-web"), marksOf("deployment.apps/api", "uid-api")
	client := cluster(t, newSecret("s", web), newSecret("t", api), newSecret("u", marksOf("deployment.apps/gone", "x")),
		deployment("web", "uid-web", nil), deployment("api", "uid-api", nil))
	selector, err := labels.Parse("app in (web)")
	require.NoError(t, err)
	found, err := NewReader(client).Read(t.Context(), "shop", selector)
	require.NoError(t, err)
	require.Len(t, found.Entries, 1)
	assert.Equal(t, "deployment.apps/web", found.Entries[0].Marks.Workload)
}

func TestRead_FailsIfNothingIsReadable(t *testing.T) {
	client := cluster(t)
	forbid(client, "secrets", "deployments", "statefulsets", "daemonsets", "replicasets", "replicationcontrollers", "cronjobs", "pods")
	_, err := NewReader(client).Read(t.Context(), "shop", labels.Everything())
	require.ErrorContains(t, err, "secrets")
}

func TestRead_NamesAllListsThatAreForbidden(t *testing.T) {
	client := cluster(t)
	forbid(client, "*")
	_, err := NewReader(client).Read(t.Context(), "shop", labels.Everything())
	require.ErrorContains(t, err, "cannot list bindings in namespace shop, because of missing permissions: list ")
	require.ErrorContains(t, err, "kubectl auth can-i --list -n shop")
	assert.NotContains(t, err.Error(), "\n")
}
