package server

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Found is a server that runs in a namespace. Its first member has the Service and the port at which applications reach it, unless there
// is none.
type Found struct {
	Instance
	Product string // that created its Pods; empty: unknown
	Refs    []Ref  // how to name it, the best first: Services, then what runs the Pods, then the Pods
}

// Ref returns the best way to name the server.
func (f *Found) Ref() Ref { return f.Refs[0] }

// Primary returns the member that is the primary according to the labels.
func (f *Found) Primary() *Endpoint { return f.Members[0] }

// Description names the product that created the Pods, or else their image, and the Pods with their roles as far as labels name them.
func (f *Found) Description() string {
	d := f.Primary()
	what := f.Product
	if c := containerNamed(d.Pod, d.Container); what == "" && c != nil {
		what = c.Image
	}
	names := make([]string, len(f.Members))
	for i, member := range f.Members {
		names[i] = KindPod + "/" + member.Pod.Name
	}
	switch {
	case len(names) == 1:
		return what + ", " + names[0]
	case isPrimary(d.Pod):
		return fmt.Sprintf("%s, primary %s, replicas %s", what, names[0], strings.Join(names[1:], ", "))
	}
	return what + ", " + strings.Join(names, ", ")
}

// Servers returns the servers whose Pods are ready in a namespace, or in all namespaces if it is empty. gaps are what could not be read, or
// is unclear. err is set if Pods cannot be listed.
func (f *Finder) Servers(ctx context.Context, namespace string) (found []Found, gaps []error, err error) {
	pods, err := f.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, nil, fmt.Errorf("list pods: %w", err)
	}
	networks := map[string]func() (*network, error){}
	found, gaps = servers(pods.Items, func(namespace string) (*network, error) {
		if networks[namespace] == nil {
			networks[namespace] = sync.OnceValues(func() (*network, error) { return readNetwork(ctx, f.client, namespace) })
		}
		return networks[namespace]()
	})
	return found, gaps, nil
}

// servers finds the servers among Pods. Without the Services of a namespace, a server is named by what runs its Pods.
func servers(pods []corev1.Pod, networkOf func(namespace string) (*network, error)) (found []Found, gaps []error) {
	pods = slices.DeleteFunc(slices.Clone(pods), func(pod corev1.Pod) bool { return PoolerOf(&pod) != "" || isReadReplica(&pod) })
	instances, gaps := List(pods, "")
	failed := map[string]bool{}
	for _, instance := range instances {
		server := Found{Instance: instance, Product: productOf(instance.Members[0].Pod).name}
		namespace := server.Primary().Pod.Namespace
		network, err := networkOf(namespace)
		if err == nil {
			server.addService(network)
		} else if !failed[namespace] {
			failed[namespace], gaps = true, append(gaps, err)
		}
		server.addOwners()
		found = append(found, server)
	}
	return found, gaps
}

// isReadReplica reports whether pod belongs to a server of read replicas alone, which has labels and an owner of its own.
func isReadReplica(pod *corev1.Pod) bool {
	p := productOf(pod)
	named := slices.ContainsFunc(p.roles, func(role string) bool { return pod.Labels[role] != "" })
	return p.cluster == "" && named && !isPrimary(pod)
}

// addService finds the Service of the primary. The server is named by it, unless it also leads to other members.
func (f *Found) addService(n *network) {
	e := f.Primary()
	port, known := serverPort(containerNamed(e.Pod, e.Container))
	r, err := n.routeTo(routeTarget{pod: e.Pod, product: productOf(e.Pod), port: port, portKnown: known})
	if err != nil {
		return
	}
	e.Service, e.Port, e.Address, e.HostReachesReplicas = r.service, r.port, r.address, r.others
	if r.rank <= toThisPod || r.rank == pinnedToPod && len(f.Members) == 1 {
		f.Refs = append(f.Refs, Ref{Kind: KindService, Name: r.service, Namespace: e.Pod.Namespace})
	}
}

// addOwners adds what runs the Pods, and the Pods.
func (f *Found) addOwners() {
	pod := f.Primary().Pod
	add := func(kind, name string) {
		f.Refs = append(f.Refs, Ref{Kind: kind, Name: name, Namespace: pod.Namespace})
	}
	if p := cloudNativePG(); p.made(pod) {
		add(KindCluster, pod.Labels[p.cluster])
	}
	if owner := metav1.GetControllerOf(pod); owner != nil && owner.Kind == "StatefulSet" &&
		owner.APIVersion == appsv1.SchemeGroupVersion.String() {
		add(KindStatefulSet, owner.Name)
	}
	if name := deploymentOf(pod); name != "" {
		add(KindDeployment, name)
	}
	for _, member := range f.Members {
		add(KindPod, member.Pod.Name)
	}
}
