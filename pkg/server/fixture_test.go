package server_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	kubefake "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/fake"
)

const namespace = "data"

// cluster is an API server with some objects. Any request other than a read fails the test.
type cluster struct {
	*kubefake.Clientset
	requests []string
}

func newCluster(t *testing.T, objects ...runtime.Object) *cluster {
	t.Helper()
	c := &cluster{}
	c.Clientset = fake.NewCluster(t, []string{
		"get pods", "get services", "get statefulsets", "get deployments", "get replicasets",
		"list pods", "list services", "list endpointslices", "list endpoints",
	}, func(action clienttesting.Action) (bool, runtime.Object, error) {
		c.requests = append(c.requests, action.GetVerb()+" "+action.GetResource().Resource)
		assert.Equal(t, namespace, action.GetNamespace())
		return false, nil, nil
	}, objects...)
	return c
}

// refuse lets requests of this kind fail with err.
func (c *cluster) refuse(verb, resource string, err error) *cluster {
	c.PrependReactor(verb, resource, func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, err })
	return c
}

// newPod returns a ready Pod with one container that runs PostgreSQL on its default port.
func newPod(name string, changes ...func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, UID: types.UID("uid-of-" + name)},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "postgresql-db", Image: "registry.example/library/postgres:14.5",
			Ports: []corev1.ContainerPort{{Name: "postgresql-port", ContainerPort: 5432}},
		}}},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: "ip-of-" + name, PodIPs: []corev1.PodIP{{IP: "ip-of-" + name}},
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		},
	}
	for _, change := range changes {
		change(pod)
	}
	return pod
}

func labelled(labels map[string]string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Labels = labels }
}

func controlledBy(kind, name string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.OwnerReferences = controller(kind, name) }
}

func controller(kind, name string) []metav1.OwnerReference {
	return []metav1.OwnerReference{{Kind: kind, Name: name, UID: types.UID("uid-of-" + name), Controller: new(true)}}
}

func containers(containers ...corev1.Container) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Spec.Containers = containers }
}

func notReady(message string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse, Message: message}}
	}
}

// newService returns a Service on port 5432, headless if clusterIP is None.
func newService(name, clusterIP string, selector map[string]string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace},
		Spec: corev1.ServiceSpec{
			ClusterIP: clusterIP, Selector: selector,
			Ports: []corev1.ServicePort{{Name: "postgresql", Port: 5432}},
		},
	}
}

// slicesFor returns the EndpointSlice of a Service with port 5432 of the named Pods.
func slicesFor(service string, pods ...string) *discoveryv1.EndpointSlice {
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Name:      service + "-x7",
			Namespace: namespace,
			Labels:    map[string]string{discoveryv1.LabelServiceName: service},
		},
		Ports: []discoveryv1.EndpointPort{{Name: new("postgresql"), Port: new(int32(5432))}},
	}
	for _, pod := range pods {
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{
			Addresses: []string{"ip-of-" + pod}, TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: pod},
		})
	}
	return slice
}

// sorted sorts requests whose order does not matter.
func sorted(requests []string) []string { return slices.Sorted(slices.Values(requests)) }
