package takeover

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/keys"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// findOthers finds what else uses the former login in this database: other addresses with sessions, and other workloads that use a
// Secret with the login.
func (t *Taker) findOthers(ctx context.Context, w *workload.Workload, s *state, former keys.Values) error {
	pods, err := t.Workloads.Pods(ctx, w)
	if err != nil {
		return err
	}
	s.pods = map[string]string{}
	for _, pod := range pods {
		for _, ip := range pod.Status.PodIPs {
			s.pods[ip.IP] = pod.Name
		}
		s.pods[pod.Status.PodIP] = pod.Name
	}
	delete(s.pods, "")
	names := t.podNames(ctx, w.Namespace())
	found := map[string]bool{}
	for _, session := range s.state.Sessions {
		if _, ours := s.pods[session.Address]; ours || session.Address == "" || session.Application == "kubectl-pgbind" {
			continue
		}
		name, known := names[session.Address]
		switch {
		case known && name == "": // its Pod has ended, as that of a rollout a moment ago
		case known:
			found[name] = true
		default:
			found["a session from "+session.Address] = true
		}
	}
	users, err := t.findUsers(ctx, w, former)
	if err != nil {
		return err
	}
	for _, user := range users {
		if user.String() != w.String() && !s.endpoint.RunBy(user.UID()) { // its superuser's password is often in a Secret
			found[user.String()] = true
		}
	}
	s.others = slices.Sorted(maps.Keys(found))
	return nil
}

// podNames returns the Pods of the namespace by their addresses, without a name for those that have ended. Without the right to list Pods,
// there are none.
func (t *Taker) podNames(ctx context.Context, namespace string) map[string]string {
	names := map[string]string{}
	list, err := t.Kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return names
	}
	for n := range list.Items {
		pod := &list.Items[n]
		switch {
		case pod.Spec.HostNetwork:
		case !workload.PodEnded(pod):
			names[pod.Status.PodIP] = "pod/" + pod.Name
		case names[pod.Status.PodIP] == "": // another Pod can have the address by now
			names[pod.Status.PodIP] = ""
		}
	}
	return names
}

// findUsers returns the workloads of the namespace that use a Secret with the password of the former login.
func (t *Taker) findUsers(ctx context.Context, w *workload.Workload, former keys.Values) ([]*workload.Workload, error) {
	containers, _ := workload.Containers(w.Template(), []string{workload.AllContainers})
	var shared []string
	for name := range workload.UsedSecrets(w.Template(), containers) {
		s, err := t.Kube.CoreV1().Secrets(w.Namespace()).Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read secret/%s in namespace %s: %w", name, w.Namespace(), err)
		}
		if former.Password != "" && holds(s, former.Password) {
			shared = append(shared, name)
		}
	}
	if len(shared) == 0 {
		return nil, nil
	}
	users, err := t.Workloads.UsersOf(ctx, w.Namespace(), shared)
	if unlisted := (*workload.UnlistedError)(nil); errors.As(err, &unlisted) {
		t.Report.Warn("%v", unlisted)
	} else if err != nil {
		return nil, err
	}
	return slices.Concat(slices.Collect(maps.Values(users))...), nil
}

// holds reports whether a value of the Secret contains the text.
func holds(s *corev1.Secret, text string) bool {
	for _, value := range s.Data {
		if strings.Contains(string(value), text) {
			return true
		}
	}
	return false
}
