package inventory

import (
	"strings"
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

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
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

func marksOf(workload string, uid types.UID) credentials.Marks {
	return credentials.Marks{
		ID: credentials.ID(uid, location, "postgres"), Workload: workload, Database: "postgres", Postgres: "pod/pg-0", PostgresNamespace: "shop",
		Location: location, Access: "readonly", Role: "pgb_x_1", Generation: 1,
	}
}

// secret returns the metadata of a binding's Secret.
func secret(name string, marks credentials.Marks) runtime.Object {
	made := credentials.NewSecret(types.NamespacedName{Namespace: "shop", Name: name}, marks, credentials.Credentials{})
	made.CreationTimestamp = metav1.NewTime(noon.Add(-time.Hour))
	return &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: made.ObjectMeta}
}

// deployment returns the metadata of a Deployment whose annotations name the Secrets with these ids.
func deployment(name string, uid types.UID, ids map[string]string) *metav1.PartialObjectMetadata {
	object := &metav1.PartialObjectMetadata{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: uid, Labels: map[string]string{"app": name}, Annotations: map[string]string{}},
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
	expired.Expires = noon.Add(-time.Minute)
	pod := marksOf("pod/one", "any UID")
	tests := map[string]struct {
		objects []runtime.Object
		forbid  string
		state   State
	}{
		"Secret and workload match":        {[]runtime.Object{secret("s", web), deployment("web", "uid-web", map[string]string{"s": web.ID})}, "", Bound},
		"no annotation on the workload":    {[]runtime.Object{secret("s", web), deployment("web", "uid-web", nil)}, "", Unreferenced},
		"other id in the annotation":       {[]runtime.Object{secret("s", web), deployment("web", "uid-web", map[string]string{"s": "other"})}, "", Unreferenced},
		"deleted workload":                 {[]runtime.Object{secret("s", web)}, "", NoWorkload},
		"recreated workload":               {[]runtime.Object{secret("s", web), deployment("web", "uid-later", map[string]string{"s": web.ID})}, "", NoWorkload},
		"deleted Secret":                   {[]runtime.Object{deployment("web", "uid-web", map[string]string{"s": web.ID})}, "", NoSecret},
		"expired":                          {[]runtime.Object{secret("s", expired), deployment("web", "uid-web", map[string]string{"s": web.ID})}, "", Expired},
		"workloads cannot be listed":       {[]runtime.Object{secret("s", web)}, "deployments", Unknown},
		"other workloads cannot be listed": {[]runtime.Object{secret("s", web)}, "statefulsets", NoWorkload},
		"Secrets cannot be listed":         {[]runtime.Object{secret("s", web), deployment("web", "uid-web", map[string]string{"s": web.ID})}, "secrets", Unknown},
		"bare Pod is matched by name":      {[]runtime.Object{secret("s", pod), &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "one", UID: "new"}}}, "", Unreferenced},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client := cluster(t, test.objects...)
			forbid(client, test.forbid)
			found, err := NewReader(client).Read(t.Context(), "shop", labels.Everything())
			require.NoError(t, err)
			require.Len(t, found.Bindings, 1)
			assert.Equal(t, test.state, found.Bindings[0].State(noon))
			assert.Equal(t, "s", found.Bindings[0].SecretName)
			assert.Len(t, found.Gaps, min(len(test.forbid), 1))
			assert.Equal(t, test.forbid != "secrets", found.SecretsRead())
		})
	}
}

func TestRead_FindsBindingWithoutSecret(t *testing.T) {
	marks := marksOf("deployment.apps/web", "uid-web")
	marks.Isolated, marks.Schemas, marks.Choices.Keys = true, []string{"shop"}, []string{"uri"}
	value, err := marks.Note("shop").Value()
	require.NoError(t, err)
	web := deployment("web", "uid-web", nil)
	web.Annotations["binding.pgbind.dev/s"] = value
	found, err := NewReader(cluster(t, web)).Read(t.Context(), "shop", labels.Everything())
	require.NoError(t, err)
	require.Len(t, found.Bindings, 1)
	marks.PostgresNamespace, marks.Location = "", "" // not in the annotation, because they are the workload's
	assert.Equal(t, marks, found.Bindings[0].Marks)
}

func TestRead_IgnoresCopiedAnnotations(t *testing.T) {
	web := marksOf("deployment.apps/web", "uid-web")
	copied := deployment("web-5d8f", "uid-set", map[string]string{"s": web.ID})
	copied.Kind = "ReplicaSet"
	controller := true
	copied.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: "web", UID: "uid-web", Controller: &controller}}
	client := cluster(t, copied, deployment("web", "uid-web", map[string]string{"s": web.ID}), secret("s", web))
	found, err := NewReader(client).Read(t.Context(), "shop", labels.Everything())
	require.NoError(t, err)
	assert.Len(t, found.Bindings, 1)
	workloads, whole := found.Workloads("shop")
	assert.True(t, whole)
	assert.Equal(t, []Workload{{"shop", "deployment.apps/web", "uid-web"}}, workloads)
}

func TestRead_SelectsWorkloads(t *testing.T) {
	web, api := marksOf("deployment.apps/web", "uid-web"), marksOf("deployment.apps/api", "uid-api")
	client := cluster(t, secret("s", web), secret("t", api), secret("u", marksOf("deployment.apps/gone", "x")),
		deployment("web", "uid-web", nil), deployment("api", "uid-api", nil))
	selector, err := labels.Parse("app in (web)")
	require.NoError(t, err)
	found, err := NewReader(client).Read(t.Context(), "shop", selector)
	require.NoError(t, err)
	require.Len(t, found.Bindings, 1)
	assert.Equal(t, "deployment.apps/web", found.Bindings[0].Marks.Workload)
}

func TestRead_FailsIfNothingIsReadable(t *testing.T) {
	client := cluster(t)
	forbid(client, "secrets", "deployments", "statefulsets", "daemonsets", "replicasets", "replicationcontrollers", "cronjobs", "pods")
	_, err := NewReader(client).Read(t.Context(), "shop", labels.Everything())
	require.ErrorContains(t, err, "secrets")
}

func TestInventory_WritesTreeAndTable(t *testing.T) {
	web := marksOf("deployment.apps/web", "uid-web")
	client := cluster(t, secret("s", web), secret("u", marksOf("deployment.apps/gone", "x")), deployment("web", "uid-web", map[string]string{"s": web.ID, "lost": web.ID}))
	found, err := NewReader(client).Read(t.Context(), "", labels.Everything())
	require.NoError(t, err)

	var tree strings.Builder
	require.NoError(t, found.WriteTree(&tree, noon))
	assert.Equal(t, `database postgres on shop/statefulset/pg
└─ access role pgbind_postgres_public_readonly_l74gha6tyh
   └─ login role pgb_x_1
      ├─ secret/s in shop
      │  └─ deployment.apps/web
      └─ secret/u in shop
         └─ deployment.apps/gone (NoWorkload)
database postgres on unknown server
└─ access role unknown
   └─ login role pgb_x_1
      └─ secret/lost in shop (not found)
         └─ deployment.apps/web
`, tree.String())

	table := found.Table(noon)
	require.Len(t, table.Rows, 3)
	assert.Equal(t, []any{"deployment.apps/web", "postgres", "pod/pg-0", "pgb_x_1", "readonly", "s", "60m", "<never>", "Bound", int64(1), location, web.ID}, table.Rows[2].Cells)

	list, err := found.List(noon)
	require.NoError(t, err)
	require.Len(t, list.Items, 3)
	assert.Equal(t, "Binding", list.Items[2].GetKind())
	assert.Equal(t, "s", list.Items[2].GetName())
}

func TestUntil(t *testing.T) {
	for want, expires := range map[string]time.Time{"<never>": {}, "2d1h": noon.Add(49 * time.Hour), "5m ago": noon.Add(-5 * time.Minute)} {
		assert.Equal(t, want, until(expires, noon))
	}
}
