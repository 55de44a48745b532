package server

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Instance is one server with its Pods: the ready ones as databases, with the primary first according to the labels.
type Instance struct {
	Location string // as in Database
	Members  []*Endpoint
}

// List returns the servers that run in the Pods of a list, according to labels, ports and images. It sends no request,
// so that the databases have no Service. container is the server's container, or empty. A Pod whose container is
// unclear, and a server without a ready Pod, is in skipped, with the reason.
func List(pods []corev1.Pod, container string) (servers []Instance, skipped []error) {
	members, unready := map[string][]*corev1.Pod{}, map[string]*corev1.Pod{}
	for i := range pods {
		pod := &pods[i]
		if !looksLikePostgres(pod) {
			continue
		}
		switch place := LocationOf(pod); {
		case isReady(pod):
			members[place] = append(members[place], pod)
		case unready[place] == nil && mayBecomeReady(pod):
			unready[place] = pod
		}
	}
	for place, pod := range unready {
		if members[place] == nil {
			skipped = append(
				skipped,
				fmt.Errorf("pod/%s in namespace %s looks like a PostgreSQL server, but it %s", pod.Name, pod.Namespace,
					notReady(pod)),
			)
		}
	}
	for place, pods := range members {
		instance := Instance{Location: place}
		for _, pod := range primaryFirst(pods) {
			c, err := containerOf(pod, productOf(pod), container)
			if err != nil {
				skipped = append(skipped, err)
				continue
			}
			port, _ := serverPort(c)
			instance.Members = append(instance.Members, &Endpoint{
				Pod: pod, Container: c.Name, Location: place, PodIP: pod.Status.PodIP, PodPort: port, SocketDir: socketDir(c),
			})
		}
		if len(instance.Members) > 0 {
			servers = append(servers, instance)
		}
	}
	slices.SortFunc(servers, func(a, b Instance) int { return strings.Compare(a.Location, b.Location) })
	slices.SortFunc(skipped, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return servers, skipped
}

// LocationOf returns the Location of the server that runs in the Pod.
func LocationOf(pod *corev1.Pod) string { return location(pod, productOf(pod)) }

// Services are the Services of a namespace, with the Pods behind them.
type Services struct{ network *network }

// Services reads the Services of a namespace.
func (f *Finder) Services(ctx context.Context, namespace string) (*Services, error) {
	n, err := readNetwork(ctx, f.client, namespace)
	return &Services{n}, err
}

// To returns the names of the Services that lead to one of the Pods.
func (s *Services) To(pods ...*corev1.Pod) []string {
	var names []string
	for _, b := range s.network.backends {
		if slices.ContainsFunc(pods, b.leadsTo) && !slices.Contains(names, b.service) {
			names = append(names, b.service)
		}
	}
	slices.Sort(names)
	return names
}
