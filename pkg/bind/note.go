package bind

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/reference"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

const component = "kubectl-pgbind"

// note leaves an Event on the workload. It is a courtesy: without the right to make one, the binding is no worse.
func (b *Binder) note(ctx context.Context, w *workload.Workload, p *plan) {
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
		Message:        fmt.Sprintf("Bound to database %q as role %s by secret/%s", p.options.Database, p.binding.Role, p.secret.name),
		Source:         corev1.EventSource{Component: component},
		FirstTimestamp: now, LastTimestamp: now, Count: 1,
	}
	_, err = b.Kube.CoreV1().Events(w.Namespace()).Create(ctx, event, metav1.CreateOptions{})
	if err != nil && !apierrors.IsForbidden(err) {
		b.Report.Step("no Event left on %s: %v", w, err)
	}
}
