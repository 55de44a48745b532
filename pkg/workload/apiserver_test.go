package workload_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

const (
	namespace    = "shop"
	fieldManager = "pgbind.dev"
)

// apiServer answers discovery requests and the requests that a test expects. Any other request fails the test.
type apiServer struct {
	t        *testing.T
	mu       sync.Mutex
	handlers map[string]http.HandlerFunc
	requests []string
	explored int // discovery requests
	groups   map[string]any
}

// newAPIServer starts a server and returns it with a client, which uses the same connection flags as kubectl.
func newAPIServer(t *testing.T) (*apiServer, *workload.Client) {
	t.Helper()
	s := &apiServer{t: t, handlers: map[string]http.HandlerFunc{}, groups: discoveryDocuments()}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)

	config := clientcmdapi.NewConfig()
	config.Clusters["test"] = &clientcmdapi.Cluster{Server: server.URL}
	config.Contexts["test"] = &clientcmdapi.Context{Cluster: "test"}
	config.CurrentContext = "test"
	folder := t.TempDir()
	kubeconfig, cache := filepath.Join(folder, "config"), filepath.Join(folder, "cache")
	require.NoError(t, clientcmd.WriteToFile(*config, kubeconfig))
	flags := genericclioptions.NewConfigFlags(true)
	flags.KubeConfig, flags.CacheDir = &kubeconfig, &cache
	flags.WrapConfigFn = func(c *rest.Config) *rest.Config {
		c.QPS = -1
		return c
	}

	client, err := workload.NewClient(flags, fieldManager)
	require.NoError(t, err)
	return s, client
}

// on sets the answer to a request, named as "GET /api/v1/...".
func (s *apiServer) on(request string, answer http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handlers[request] = answer
}

// serveKind adds a kind to what the server serves.
func (s *apiServer) serveKind(group, version string, kind metav1.APIResource) {
	s.mu.Lock()
	defer s.mu.Unlock()
	served := metav1.GroupVersionForDiscovery{GroupVersion: group + "/" + version, Version: version}
	all, ok := s.groups["/apis"].(metav1.APIGroupList)
	require.True(s.t, ok)
	all.Groups = append(
		all.Groups,
		metav1.APIGroup{Name: group, Versions: []metav1.GroupVersionForDiscovery{served}, PreferredVersion: served},
	)
	s.groups["/apis"] = all
	kind.Verbs = metav1.Verbs{"get", "list"}
	s.groups["/apis/"+served.GroupVersion] = metav1.APIResourceList{
		GroupVersion: served.GroupVersion,
		APIResources: []metav1.APIResource{kind},
	}
}

// sent returns the requests so far without discovery, as "GET /api/v1/...".
func (s *apiServer) sent() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// ServeHTTP answers an expected request and fails the test on any other.
func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	doc, ok := s.groups[r.URL.Path]
	if ok {
		s.explored++
	}
	s.mu.Unlock()
	if ok {
		writeJSON(w, http.StatusOK, doc)
		return
	}
	request := r.Method + " " + r.URL.Path
	s.mu.Lock()
	s.requests = append(s.requests, request)
	answer, ok := s.handlers[request]
	s.mu.Unlock()
	if !assert.Truef(s.t, ok, "unexpected request %s", request) {
		w.WriteHeader(http.StatusTeapot)
		return
	}
	answer(w, r)
}

// discoveryDocuments returns the answers to the discovery client, by path.
func discoveryDocuments() map[string]any {
	group := func(name string) metav1.APIGroup {
		version := metav1.GroupVersionForDiscovery{GroupVersion: name + "/v1", Version: "v1"}
		return metav1.APIGroup{Name: name, Versions: []metav1.GroupVersionForDiscovery{version}, PreferredVersion: version}
	}
	kind := func(resource, kind string, short ...string) metav1.APIResource {
		return metav1.APIResource{
			Name:       resource,
			Kind:       kind,
			Namespaced: kind != "Node",
			ShortNames: short,
			Verbs:      metav1.Verbs{"get", "list"},
		}
	}
	return map[string]any{
		"/api":  metav1.APIVersions{Versions: []string{"v1"}},
		"/apis": metav1.APIGroupList{Groups: []metav1.APIGroup{group("apps"), group("batch")}},
		"/api/v1": metav1.APIResourceList{GroupVersion: "v1", APIResources: []metav1.APIResource{
			kind("pods", "Pod", "po"),
			kind("nodes", "Node", "no"),
			kind("services", "Service", "svc"),
			kind("replicationcontrollers", "ReplicationController", "rc"),
		}},
		"/apis/apps/v1": metav1.APIResourceList{GroupVersion: "apps/v1", APIResources: []metav1.APIResource{
			kind("deployments", "Deployment", "deploy"), kind("statefulsets", "StatefulSet", "sts"),
			kind("daemonsets", "DaemonSet", "ds"), kind("replicasets", "ReplicaSet", "rs"),
		}},
		"/apis/batch/v1": metav1.APIResourceList{GroupVersion: "batch/v1", APIResources: []metav1.APIResource{
			kind("cronjobs", "CronJob", "cj"), kind("jobs", "Job"),
		}},
	}
}

// answer returns a handler that responds with the object.
func answer(obj runtime.Object) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, withKind(obj)) }
}

// refuse returns a handler that responds with an API error.
func refuse(err *apierrors.StatusError) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { writeStatus(w, err) }
}

// withKind returns a copy with apiVersion and kind, as in every response of an API server.
func withKind(obj runtime.Object) runtime.Object {
	obj = obj.DeepCopyObject()
	if gvks, _, err := scheme.Scheme.ObjectKinds(obj); err == nil {
		obj.GetObjectKind().SetGroupVersionKind(gvks[0])
	}
	return obj
}

// writeStatus responds with an API error.
func writeStatus(w http.ResponseWriter, err *apierrors.StatusError) {
	status := err.ErrStatus
	status.APIVersion, status.Kind = "v1", "Status"
	writeJSON(w, int(status.Code), status)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// body returns a request's body.
func body(t *testing.T, r *http.Request) []byte {
	t.Helper()
	data, err := io.ReadAll(r.Body)
	assert.NoError(t, err)
	return data
}

// decode decodes a request's body into the object. Typed clients send protobuf.
func decode(t *testing.T, r *http.Request, into runtime.Object) {
	t.Helper()
	_, _, err := scheme.Codecs.UniversalDeserializer().Decode(body(t, r), nil, into)
	assert.NoError(t, err)
}

// notFound returns the API server's error for an object that does not exist.
func notFound(resource, name string) *apierrors.StatusError {
	return apierrors.NewNotFound(schema.GroupResource{Resource: resource}, name)
}

// meta returns the metadata of a test object.
func meta(name string, owners ...metav1.OwnerReference) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name, UID: "uid-1", ResourceVersion: "1", Generation: 1, OwnerReferences: owners}
}

// ownedBy returns a reference to a controller.
func ownedBy(apiVersion, kind, name string) metav1.OwnerReference {
	controller := true
	return metav1.OwnerReference{APIVersion: apiVersion, Kind: kind, Name: name, Controller: &controller}
}

// template returns a pod template with one container for each name.
func template(names ...string) corev1.PodTemplateSpec {
	t := corev1.PodTemplateSpec{}
	for _, name := range names {
		t.Spec.Containers = append(t.Spec.Containers, corev1.Container{Name: name, Image: "registry.example/" + name})
	}
	return t
}

// deployment returns a Deployment with one container "app".
func deployment(name string) *appsv1.Deployment {
	return &appsv1.Deployment{ObjectMeta: meta(name), Spec: appsv1.DeploymentSpec{Template: template("app")}}
}
