package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// maxSuggestions limits the length of an error in a namespace with many databases.
const maxSuggestions = 5

const nothingToSuggest = ": name the server with --postgres and --postgres-namespace; kubectl pgbind servers -A lists them"

// pods reads the Pods that the Ref means, ready or not.
func (s *search) pods(ctx context.Context) ([]*corev1.Pod, error) {
	switch s.ref.Kind {
	case KindStatefulSet:
		return s.podsOfStatefulSet(ctx)
	case KindService:
		return s.podsOfService(ctx)
	case KindDeployment:
		return s.podsOfDeployment(ctx)
	case KindCluster:
		selector := labels.SelectorFromSet(labels.Set{cloudNativePG().cluster: s.ref.Name})
		return s.list(ctx, selector, func(pod *corev1.Pod) bool { return PoolerOf(pod) == "" })
	}
	pod, err := s.client.CoreV1().Pods(s.ref.Namespace).Get(ctx, s.ref.Name, metav1.GetOptions{})
	if s.choice.Location != "" && (err == nil || apierrors.IsNotFound(err)) {
		others, listErr := s.list(
			ctx,
			labels.Everything(),
			func(pod *corev1.Pod) bool { return pod.Name != s.ref.Name && LocationOf(pod) == s.choice.Location },
		)
		if err == nil {
			others = append(others, pod)
		}
		if listErr == nil && len(others) > 0 {
			return others, nil
		}
	}
	if err != nil {
		return nil, s.cannotRead(err)
	}
	return []*corev1.Pod{pod}, nil
}

func (s *search) podsOfStatefulSet(ctx context.Context) ([]*corev1.Pod, error) {
	set, err := s.client.AppsV1().StatefulSets(s.ref.Namespace).Get(ctx, s.ref.Name, metav1.GetOptions{})
	if err != nil {
		return nil, s.cannotRead(err)
	}
	selector, err := metav1.LabelSelectorAsSelector(set.Spec.Selector)
	if err != nil {
		return nil, s.cannotRead(err)
	}
	return s.list(ctx, selector, func(pod *corev1.Pod) bool { return metav1.IsControlledBy(pod, set) })
}

func (s *search) podsOfDeployment(ctx context.Context) ([]*corev1.Pod, error) {
	deployment, err := s.client.AppsV1().Deployments(s.ref.Namespace).Get(ctx, s.ref.Name, metav1.GetOptions{})
	if err != nil {
		return nil, s.cannotRead(err)
	}
	selector, err := metav1.LabelSelectorAsSelector(deployment.Spec.Selector)
	if err != nil {
		return nil, s.cannotRead(err)
	}
	return s.list(ctx, selector, func(pod *corev1.Pod) bool { return deploymentOf(pod) == deployment.Name })
}

// podsOfService uses the endpoints of the Service: a Service that Patroni's leader updates has no selector. If the
// Service leads to the primary, the other Pods of the server can be the primary too: endpoints follow a failover late.
func (s *search) podsOfService(ctx context.Context) ([]*corev1.Pod, error) {
	network, err := s.network()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(network.services, func(service corev1.Service) bool { return service.Name == s.ref.Name })
	if i < 0 {
		return nil, s.cannotRead(apierrors.NewNotFound(corev1.Resource("services"), s.ref.Name))
	}
	service := &network.services[i]
	return s.list(ctx, labels.SelectorFromSet(withoutRoles(service.Spec.Selector)), func(pod *corev1.Pod) bool {
		return slices.ContainsFunc(network.backends, func(b backend) bool { return b.service == s.ref.Name && b.leadsTo(pod) }) ||
			isMember(service, pod)
	})
}

func (s *search) list(ctx context.Context, selector labels.Selector, wanted func(*corev1.Pod) bool) ([]*corev1.Pod, error) {
	list, err := s.client.CoreV1().Pods(s.ref.Namespace).List(ctx, metav1.ListOptions{LabelSelector: selector.String()})
	if err != nil {
		return nil, s.cannotRead(err)
	}
	var pods []*corev1.Pod
	for i := range list.Items {
		if wanted(&list.Items[i]) {
			pods = append(pods, &list.Items[i])
		}
	}
	return pods, nil
}

func (s *search) cannotRead(err error) error {
	if apierrors.IsNotFound(err) {
		return &absentError{s.ref, err}
	}
	return fmt.Errorf("cannot use %s in namespace %s as the database: %w", s.ref, s.ref.Namespace, err)
}

// absentError reports that what a Ref names does not exist. The error of the API server names it again, but not the namespace.
type absentError struct {
	ref Ref
	err error
}

func (e *absentError) Error() string {
	return fmt.Sprintf("%s not found in namespace %s", e.ref, e.ref.Namespace)
}

func (e *absentError) Unwrap() error { return e.err }

// unreadyError reports that a Ref has no ready Pod, and why.
type unreadyError struct {
	ref    Ref
	reason string
	exists bool // a Pod exists, so that the user named a server
}

func (e *unreadyError) Error() string {
	return fmt.Sprintf("cannot use %s in namespace %s as the database: %s", e.ref, e.ref.Namespace, e.reason)
}

// readyOf returns the ready Pods. If there is none, the error is an *unreadyError about the first Pod.
func readyOf(ref Ref, pods []*corev1.Pod) ([]*corev1.Pod, error) {
	if len(pods) == 0 {
		reason := "it has no Pods"
		if ref.Kind == KindCluster { // only labels name it
			reason = "no Pod belongs to a cluster of that name"
		}
		return nil, &unreadyError{ref: ref, reason: reason}
	}
	ready := slices.DeleteFunc(slices.Clone(pods), func(pod *corev1.Pod) bool { return !isReady(pod) })
	if len(ready) == 0 {
		return nil, &unreadyError{ref: ref, reason: fmt.Sprintf("pod/%s %s", pods[0].Name, notReady(pods[0])), exists: true}
	}
	return ready, nil
}

func isReady(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp == nil && pod.Status.Phase == corev1.PodRunning &&
		slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
			return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
		})
}

// mayBecomeReady reports whether pod can still become ready without a new Pod.
func mayBecomeReady(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp == nil && pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed
}

// notReady describes a Pod that is not ready, and how to find the cause.
func notReady(pod *corev1.Pod) string {
	return fmt.Sprintf("is not ready, %s (see kubectl describe pod/%s -n %s)", whyNotReady(pod), pod.Name, pod.Namespace)
}

// whyNotReady returns the most specific reason in the Pod's status.
func whyNotReady(pod *corev1.Pod) string {
	if pod.DeletionTimestamp != nil {
		return "it is being deleted"
	}
	for _, c := range append(slices.Clone(pod.Status.InitContainerStatuses), pod.Status.ContainerStatuses...) {
		if c.State.Waiting != nil && c.State.Waiting.Reason != "" {
			return fmt.Sprintf("container %s is waiting: %s", c.Name, c.State.Waiting.Reason)
		}
	}
	for _, c := range pod.Status.Conditions {
		if c.Status == corev1.ConditionFalse && c.Message != "" {
			return c.Message
		}
	}
	return "its phase is " + string(pod.Status.Phase)
}

// suggestion names servers that run in the namespace. It is the end of an error message. Without other servers, a server that is not
// ready needs none: it has the right name.
func (s *search) suggestion(ctx context.Context, cause error) string {
	nothing := nothingToSuggest
	if unready, is := errors.AsType[*unreadyError](cause); is && unready.exists {
		nothing = ""
	}
	pods, err := s.client.CoreV1().Pods(s.ref.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nothing
	}
	found, _ := servers(pods.Items, func(string) (*network, error) { return s.network() })
	if len(found) == 0 {
		return nothing
	}
	var names []string
	for _, server := range found[:min(len(found), maxSuggestions)] {
		names = append(names, "--postgres="+server.Ref().String())
	}
	return ": this looks like a database: " + strings.Join(names, ", ")
}
