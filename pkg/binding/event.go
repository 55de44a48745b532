package binding

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/reference"
)

const component = "kubectl-pgbind"

// createEvent creates an Event about the workload. The binding works without it, so a missing permission is not an error.
func (r *run) createEvent(ctx context.Context, i *Item) {
	w, p := i.Workload, i.plan
	object, err := reference.GetReference(scheme.Scheme, w.Object())
	if err != nil {
		return
	}
	now := metav1.Now()
	event := &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{GenerateName: w.Name() + ".", Namespace: w.Namespace()},
		InvolvedObject: *object,
		Type:           corev1.EventTypeNormal,
		Reason:         "Bound",
		Message:        fmt.Sprintf("Bound to database %q as role %s by secret/%s", p.spec.DBName, p.binding.Role, p.secret.name),
		Source:         corev1.EventSource{Component: component},
		FirstTimestamp: now, LastTimestamp: now, Count: 1,
	}
	_, err = r.Kube.CoreV1().Events(w.Namespace()).Create(ctx, event, metav1.CreateOptions{})
	if err != nil && !apierrors.IsForbidden(err) {
		i.Report.Step("no Event created for %s: %v", w, err)
	}
}
