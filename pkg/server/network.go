package server

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// network contains the Services of a namespace and their backends.
type network struct {
	services []corev1.Service
	backends []backend
}

// backend is a set of members with the same ports behind a Service. A Service can have several.
type backend struct {
	service string
	members []member
	ports   []backendPort
}

// backendPort is a port of the members. The Service's port has the same name.
type backendPort struct {
	name   string
	number int32
}

// member is one backend of a Service: an address and, if known, the name of a Pod. by is the address of another Service through which the
// Service leads there.
type member struct{ pod, ip, by string }

// address returns the address that the Service leads to.
func (m member) address() string { return cmp.Or(m.by, m.ip) }

func (m member) is(pod *corev1.Pod) bool {
	if m.pod != "" {
		return m.pod == pod.Name
	}
	return slices.ContainsFunc(pod.Status.PodIPs, func(ip corev1.PodIP) bool { return ip.IP == m.ip })
}

func (b backend) leadsTo(pod *corev1.Pod) bool {
	return slices.ContainsFunc(b.members, func(m member) bool { return m.is(pod) })
}

// readNetwork lists the Services of a namespace and, in parallel, their backends.
func readNetwork(ctx context.Context, client kubernetes.Interface, namespace string) (*network, error) {
	var backends []backend
	var backendsErr error
	var reading sync.WaitGroup
	reading.Go(func() { backends, backendsErr = readBackends(ctx, client, namespace) })
	services, err := client.CoreV1().Services(namespace).List(ctx, metav1.ListOptions{})
	reading.Wait()
	if err != nil {
		return nil, fmt.Errorf("find the database's service in namespace %s (or use --host): %w", namespace, err)
	}
	if backendsErr != nil {
		return nil, backendsErr
	}
	return &network{services: services.Items, backends: throughServices(services.Items, backends)}, nil
}

// throughServices replaces members that are the address of another Service by the members of that one. Crunchy's
// Service of the primary leads to the Service whose endpoints Patroni sets.
func throughServices(services []corev1.Service, backends []backend) []backend {
	behind := map[string][]member{}
	for _, service := range services {
		for _, b := range backends {
			if b.service != service.Name || service.Spec.ClusterIP == corev1.ClusterIPNone || service.Spec.ClusterIP == "" {
				continue
			}
			for _, m := range b.members {
				m.by = service.Spec.ClusterIP
				behind[m.by] = append(behind[m.by], m)
			}
		}
	}
	resolved := slices.Clone(backends)
	for i := range resolved {
		var members []member
		for _, m := range resolved[i].members {
			if through, ok := behind[m.ip]; ok && m.pod == "" {
				members = append(members, through...)
			} else {
				members = append(members, m)
			}
		}
		resolved[i].members = members
	}
	return resolved
}

// readBackends lists the EndpointSlices of a namespace, or the Endpoints if EndpointSlices cannot be read.
func readBackends(ctx context.Context, client kubernetes.Interface, namespace string) ([]backend, error) {
	endpointSlices, err := client.DiscoveryV1().EndpointSlices(namespace).List(ctx, metav1.ListOptions{})
	if err == nil {
		return fromSlices(endpointSlices.Items), nil
	}
	if apierrors.IsForbidden(err) || apierrors.IsNotFound(err) {
		// Endpoints are deprecated, but still served to users who cannot read EndpointSlices.
		endpoints, oldErr := client.CoreV1().Endpoints(namespace).List(ctx, metav1.ListOptions{})
		if oldErr == nil {
			return fromEndpoints(endpoints.Items), nil
		}
	}
	return nil, fmt.Errorf("find the pods behind the services of namespace %s (or use --host): %w", namespace, err)
}

func fromSlices(endpointSlices []discoveryv1.EndpointSlice) []backend {
	backends := make([]backend, 0, len(endpointSlices))
	for _, slice := range endpointSlices {
		b := backend{service: slice.Labels[discoveryv1.LabelServiceName]}
		for _, endpoint := range slice.Endpoints {
			if endpoint.Conditions.Terminating != nil && *endpoint.Conditions.Terminating {
				continue
			}
			for _, address := range endpoint.Addresses {
				b.members = append(b.members, newMember(endpoint.TargetRef, address))
			}
		}
		for _, port := range slice.Ports {
			if port.Port != nil {
				b.ports = append(b.ports, backendPort{name: orEmpty(port.Name), number: *port.Port})
			}
		}
		backends = append(backends, b)
	}
	return backends
}

//nolint:staticcheck // SA1019: see readBackends
func fromEndpoints(endpoints []corev1.Endpoints) []backend {
	var backends []backend
	for _, object := range endpoints {
		for _, subset := range object.Subsets {
			b := backend{service: object.Name}
			for _, address := range append(subset.Addresses, subset.NotReadyAddresses...) {
				b.members = append(b.members, newMember(address.TargetRef, address.IP))
			}
			for _, port := range subset.Ports {
				b.ports = append(b.ports, backendPort{name: port.Name, number: port.Port})
			}
			backends = append(backends, b)
		}
	}
	return backends
}

func newMember(ref *corev1.ObjectReference, ip string) member {
	if ref != nil && ref.Kind == "Pod" {
		return member{pod: ref.Name, ip: ip}
	}
	return member{ip: ip}
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
