package cmd

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// lists are the responses of an API server, by path and query. Other requests fail.
type lists map[string]any

// complete completes the words like kubectl and returns the lines of the answer. requested are the requests to the cluster.
func (l lists) complete(t *testing.T, words ...string) (answer, requested []string) {
	t.Helper()
	asked := make(chan string, 20)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.RequestURI()
		list, ok := l[r.URL.RequestURI()]
		if r.Method != http.MethodGet || !ok {
			list = &metav1.Status{
				TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
				Status:   "Failure",
				Reason:   "Forbidden",
				Code:     http.StatusForbidden,
			}
			w.WriteHeader(http.StatusForbidden)
		}
		w.Header().Set("Content-Type", "application/json")
		assert.NoError(t, json.NewEncoder(w).Encode(list))
	}))
	defer server.Close()
	config := clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"near": {Server: server.URL}, "far": {Server: server.URL}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"me": {}},
		Contexts:       map[string]*clientcmdapi.Context{"here": {Cluster: "near", AuthInfo: "me", Namespace: "shop"}},
		CurrentContext: "here",
	}
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, clientcmd.WriteToFile(config, kubeconfig))
	t.Setenv("KUBECONFIG", kubeconfig)
	streams, _, out, errOut := genericiooptions.NewTestIOStreams()
	require.Zero(t, Execute(t.Context(), streams, append([]string{"__complete"}, words...)), errOut.String())
	close(asked)
	seen := map[string]bool{}
	for request := range asked {
		seen[request] = true
	}
	for request := range maps.Keys(seen) {
		requested = append(requested, request)
	}
	return strings.Split(strings.TrimSpace(out.String()), "\n"), requested
}

// objects returns a list of objects with only metadata.
func objects(items ...metav1.ObjectMeta) *metav1.PartialObjectMetadataList {
	list := &metav1.PartialObjectMetadataList{TypeMeta: metav1.TypeMeta{APIVersion: "meta.k8s.io/v1", Kind: "PartialObjectMetadataList"}}
	for _, meta := range items {
		item := metav1.PartialObjectMetadata{
			TypeMeta:   metav1.TypeMeta{APIVersion: "meta.k8s.io/v1", Kind: "PartialObjectMetadata"},
			ObjectMeta: meta,
		}
		list.Items = append(list.Items, item)
	}
	return list
}

func TestComplete_SendsNoRequestForFixedValues(t *testing.T) {
	for _, test := range []struct {
		words []string
		want  []string
	}{
		{[]string{"dep"}, []string{"deployment/", ":6"}},
		{[]string{"bind", "dep"}, []string{"deployment/", ":6"}},
		{[]string{"bind", "deployment/web", "--access", "read"}, []string{"readwrite", "readonly", ":4"}},
		{[]string{"deployment/web", "--access", "read"}, []string{"readwrite", "readonly", ":4"}},
		{[]string{"deployment/web", "--dry-run="}, []string{"none", "client", "server", ":4"}},
		{[]string{"--context", ""}, []string{"here", ":4"}},
		{[]string{"--cluster", ""}, []string{"far", "near", ":4"}},
		{[]string{"--user", ""}, []string{"me", ":4"}},
		{[]string{"deployment/web", "--key", "p"}, []string{"port", "pgpass", ":4"}},
		{[]string{"deployment/web", "--sslmode", "verify"}, []string{"verify-ca", "verify-full", ":4"}},
		{[]string{"deployment/web", "-o", "js"}, []string{"json", "jsonpath", "jsonpath-as-json", "jsonpath-file", ":4"}},
		{[]string{"list", "-o", "w"}, []string{"wide", ":4"}},
		{[]string{"check", "-o", "custom"}, []string{"custom-columns", ":4"}},
		{[]string{"version", "-o", ""}, []string{"json", "yaml", ":4"}},
		{[]string{"apply", "-f", ""}, []string{"json", "yaml", "yml", ":8"}},
		{[]string{"diff", "--filename", ""}, []string{"json", "yaml", "yml", ":8"}},
		{[]string{"--kubeconfig", ""}, []string{":0"}},
		{[]string{"deployment/web", "--template", ""}, []string{":0"}},
		{[]string{"deployment/web", "--username", ""}, []string{":4"}},
		{[]string{"job/"}, []string{":4"}},
		{[]string{"version", ""}, []string{":4"}},
	} {
		answer, requested := lists{}.complete(t, test.words...)
		assert.Equal(t, test.want, answer, test.words)
		assert.Empty(t, requested, test.words)
	}
}

func TestComplete_ListsObjects(t *testing.T) {
	controller := true
	owned := metav1.ObjectMeta{
		Name:            "web-5d",
		OwnerReferences: []metav1.OwnerReference{{Kind: "Deployment", Name: "web", Controller: &controller}},
	}
	ours := "/api/v1/namespaces/shop/secrets?labelSelector=app.kubernetes.io%2Fmanaged-by%3Dkubectl-pgbind"
	marked := metav1.ObjectMeta{
		Name: "postgresql-secret-2", Labels: map[string]string{"app.kubernetes.io/managed-by": "kubectl-pgbind"},
		Annotations: map[string]string{"pgbind.dev/id": "abc", "pgbind.dev/generation": "1", "pgbind.dev/database": "orders"},
	}
	for _, test := range []struct {
		words   []string
		path    string
		answers any
		want    []string
	}{
		{[]string{"deployment/w"}, "/apis/apps/v1/namespaces/shop/deployments", objects(metav1.ObjectMeta{Name: "web"}, metav1.ObjectMeta{Name: "api"}), []string{"deployment/web", ":4"}},
		{[]string{"bind", "deployment/w"}, "/apis/apps/v1/namespaces/shop/deployments", objects(metav1.ObjectMeta{Name: "web"}, metav1.ObjectMeta{Name: "api"}), []string{"deployment/web", ":4"}},
		{[]string{"deploy", ""}, "/apis/apps/v1/namespaces/shop/deployments", objects(metav1.ObjectMeta{Name: "web"}), []string{"web", ":4"}},
		{[]string{"sts/a", "sts/"}, "/apis/apps/v1/namespaces/shop/statefulsets", objects(metav1.ObjectMeta{Name: "a"}, metav1.ObjectMeta{Name: "b"}), []string{"sts/b", ":4"}},
		{[]string{"rs/"}, "/apis/apps/v1/namespaces/shop/replicasets", objects(owned, metav1.ObjectMeta{Name: "own"}), []string{"rs/own", ":4"}},
		{[]string{"-n", "other", "cj/"}, "/apis/batch/v1/namespaces/other/cronjobs", objects(metav1.ObjectMeta{Name: "nightly"}), []string{"cj/nightly", ":4"}},
		{[]string{"--namespace", ""}, "/api/v1/namespaces", objects(metav1.ObjectMeta{Name: "shop"}), []string{"shop", ":4"}},
		{[]string{"--secret", ""}, ours, objects(marked), []string{"postgresql-secret-2", ":4"}},
		{[]string{"--dbname", ""}, ours, objects(marked), []string{"orders", "postgres", ":4"}},
	} {
		answer, requested := lists{test.path: test.answers}.complete(t, test.words...)
		assert.Equal(t, test.want, answer, test.words)
		assert.Equal(t, []string{test.path}, requested, test.words)
	}
}

func TestComplete_NamesServicesBeforePods(t *testing.T) {
	pod := func(name, image string) corev1.Pod {
		return corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: "db", Name: name},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: image}}},
			Status: corev1.PodStatus{
				Phase:      corev1.PodRunning,
				Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
			},
		}
	}
	name, port := "postgresql", int32(5432)
	answers := lists{
		"/api/v1/namespaces/db/pods": &corev1.PodList{
			Items: []corev1.Pod{pod("pg-0", "postgres:17"), pod("bare", "postgres:17"), pod("web-0", "web")},
		},
		"/api/v1/namespaces/db/services": &corev1.ServiceList{Items: []corev1.Service{{
			ObjectMeta: metav1.ObjectMeta{Namespace: "db", Name: "pg"},
			Spec:       corev1.ServiceSpec{ClusterIP: "10.0.0.1", Ports: []corev1.ServicePort{{Name: name, Port: port}}},
		}}},
		"/apis/discovery.k8s.io/v1/namespaces/db/endpointslices": &discoveryv1.EndpointSliceList{Items: []discoveryv1.EndpointSlice{
			{
				ObjectMeta: metav1.ObjectMeta{Namespace: "db", Name: "pg-x", Labels: map[string]string{discoveryv1.LabelServiceName: "pg"}},
				Endpoints: []discoveryv1.Endpoint{
					{Addresses: []string{"10.1.0.1"}, TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: "pg-0"}},
				},
				Ports: []discoveryv1.EndpointPort{{Name: &name, Port: &port}},
			},
		}},
	}
	answer, requested := answers.complete(t, "--postgres-namespace", "db", "--postgres", "")
	assert.Equal(t, []string{"service/pg", "pod/bare", "pod/pg-0", ":4"}, answer)
	assert.Len(t, requested, 3)
	answer, _ = answers.complete(t, "-n", "db", "--postgres", "pod/")
	assert.Equal(t, []string{"pod/bare", "pod/pg-0", ":4"}, answer)
}

func TestComplete_ListsBoundWorkloads(t *testing.T) {
	annotated := metav1.ObjectMeta{
		Name:        "web",
		Annotations: map[string]string{"binding.pgbind.dev/postgresql-secret-2": `{"id":"abc"}`}, //nolint:gosec // the name of a Secret
	}
	controller := true
	inherited := metav1.ObjectMeta{
		Name:            "web-5d",
		Annotations:     annotated.Annotations,
		OwnerReferences: []metav1.OwnerReference{{Name: "web", Controller: &controller}},
	}
	server := lists{
		"/apis/apps/v1/namespaces/shop/replicasets":  objects(inherited),
		"/apis/apps/v1/namespaces/shop/deployments":  objects(annotated, metav1.ObjectMeta{Name: "api"}),
		"/apis/apps/v1/namespaces/shop/statefulsets": objects(metav1.ObjectMeta{Name: "queue"}),
	}
	for _, cmd := range tree(t) {
		if !cmd.HasParent() || !strings.Contains(cmd.Use, "TYPE/NAME") || cmd.Name() == "bind" {
			continue
		}
		answer, requested := server.complete(t, cmd.Name(), "")
		assert.Equal(t, []string{"deployment/web", ":4"}, answer, cmd.Name())
		assert.Len(t, requested, len(workload.Types()), cmd.Name())
		answer, requested = server.complete(t, cmd.Name(), "deploy/")
		assert.Equal(t, []string{"deploy/web", ":4"}, answer, cmd.Name())
		assert.Len(t, requested, 1, cmd.Name())
	}
}

func TestComplete_IsSilentIfForbidden(t *testing.T) {
	answer, requested := lists{}.complete(t, "deployment/")
	assert.Equal(t, []string{":4"}, answer)
	assert.NotEmpty(t, requested)
}
