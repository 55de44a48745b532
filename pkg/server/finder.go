package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// Finder finds databases in a cluster. It only reads.
type Finder struct{ client kubernetes.Interface }

// NewFinder returns a Finder that uses client.
func NewFinder(client kubernetes.Interface) *Finder { return &Finder{client: client} }

// Find returns the first of Candidates.
func (f *Finder) Find(ctx context.Context, ref Ref, choice Choice) (*Endpoint, error) {
	candidates, err := f.Candidates(ctx, ref, choice)
	if err != nil {
		return nil, err
	}
	return candidates[0], nil
}

// Candidates returns the ready servers that ref can mean, at least one: that Pod, or else the Pods of the StatefulSet, Deployment, Service
// or cluster, with the primary first according to the labels. Only the servers know which one is the primary.
//
// An error of the API server is wrapped. If no Pod can be used, the error gives the reason and suggests other Pods.
func (f *Finder) Candidates(ctx context.Context, ref Ref, choice Choice) ([]*Endpoint, error) {
	s := f.search(ctx, ref, choice)
	found, err := s.candidates(ctx)
	if _, unready := errors.AsType[*unreadyError](err); unready || apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("%w%s", err, s.suggestion(ctx, err))
	}
	return found, err
}

// Exact returns Candidates. Its errors suggest no other server, which saves requests where an absent server is no error.
func (f *Finder) Exact(ctx context.Context, ref Ref, choice Choice) ([]*Endpoint, error) {
	return f.search(ctx, ref, choice).candidates(ctx)
}

func (f *Finder) search(ctx context.Context, ref Ref, choice Choice) *search {
	s := &search{client: f.client, ref: ref, choice: choice}
	s.network = sync.OnceValues(func() (*network, error) { return readNetwork(ctx, f.client, ref.Namespace) })
	return s
}

// search is one call of Candidates.
type search struct {
	client  kubernetes.Interface
	ref     Ref
	choice  Choice
	network func() (*network, error) // reads only once
}

func (s *search) candidates(ctx context.Context) ([]*Endpoint, error) {
	if err := s.choice.Check(); err != nil {
		return nil, err
	}
	if s.needsNetwork() {
		var reading sync.WaitGroup
		reading.Go(func() { _, _ = s.network() }) // in parallel with the Pods; every caller gets its error
		defer reading.Wait()
	}
	pods, err := s.pods(ctx)
	if err == nil {
		pods, err = readyOf(s.ref, pods)
	}
	if err != nil {
		return nil, err
	}
	return s.databases(ctx, primaryFirst(pods))
}

// needsNetwork reports whether the Services are needed to find the Pods or the host name.
func (s *search) needsNetwork() bool { return s.choice.Host == "" || s.ref.Kind == KindService }

// databases describes the Pods, except those after the first that cannot be used.
func (s *search) databases(ctx context.Context, pods []*corev1.Pod) ([]*Endpoint, error) {
	var found []*Endpoint
	for i, pod := range pods {
		endpoint, err := s.endpoint(ctx, pod)
		if err != nil && i == 0 {
			return nil, err
		}
		if err == nil {
			found = append(found, endpoint)
		}
	}
	return found, nil
}

func (s *search) endpoint(ctx context.Context, pod *corev1.Pod) (*Endpoint, error) {
	p := productOf(pod)
	container, err := containerOf(pod, p, s.choice.Container)
	if err != nil {
		return nil, err
	}
	port, known := serverPort(container)
	e := &Endpoint{
		Pod: pod, Container: container.Name, Location: location(pod, p),
		PodIP: pod.Status.PodIP, PodPort: port, SocketDir: socketDir(container),
		Host: s.choice.Host, Port: cmp.Or(s.choice.Port, port), ClusterDomain: s.choice.ClusterDomain,
		deployment: s.deployment(ctx, pod),
	}
	if e.Host != "" {
		return e, nil
	}
	target := routeTarget{pod: pod, product: p, port: port, portKnown: known, wanted: s.choice.Port}
	if s.ref.Kind == KindService {
		target.named = s.ref.Name
	}
	network, err := s.network()
	if err != nil {
		return nil, err
	}
	r, err := network.routeTo(target)
	if err != nil {
		return nil, err
	}
	e.Service, e.Port, e.Address, e.HostReachesReplicas = r.service, r.port, r.address, r.others
	e.network = network
	return e, nil
}

// deployment returns the Deployment that runs pod through a ReplicaSet; empty if there is none or it cannot be read.
func (s *search) deployment(ctx context.Context, pod *corev1.Pod) types.UID {
	owner := metav1.GetControllerOf(pod)
	if owner == nil || owner.Kind != "ReplicaSet" {
		return ""
	}
	set, err := s.client.AppsV1().ReplicaSets(pod.Namespace).Get(ctx, owner.Name, metav1.GetOptions{})
	if err != nil {
		return ""
	}
	if top := metav1.GetControllerOf(set); top != nil {
		return top.UID
	}
	return ""
}

// primaryFirst sorts pods: the primary first according to the labels, then by name in natural order.
func primaryFirst(pods []*corev1.Pod) []*corev1.Pod {
	slices.SortFunc(pods, func(a, b *corev1.Pod) int {
		return cmp.Or(
			compareBool(!isPrimary(a), !isPrimary(b)),
			cmp.Compare(len(a.Name), len(b.Name)),
			cmp.Compare(a.Name, b.Name),
		)
	})
	return pods
}

func isPrimary(pod *corev1.Pod) bool { return productOf(pod).primaryAmong(pod.Labels) }
