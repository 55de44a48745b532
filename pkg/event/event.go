// Package event records in Events about a workload what happened to its bindings. `kubectl events` and `kubectl describe` show them.
package event

import (
	"context"
	"fmt"
	"hash/fnv"
	"os"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/reference"
	"k8s.io/client-go/util/retry"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/rollback"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Reason is the reason of an Event, a word for programs.
type Reason string

// The reasons. A failure is recorded only if the run had started to write: otherwise nothing happened to the binding.
const (
	Bound        Reason = "Bound"
	Rotated      Reason = "Rotated"
	Unbound      Reason = "Unbound"
	BindFailed   Reason = "BindFailed"
	RotateFailed Reason = "RotateFailed"
	UnbindFailed Reason = "UnbindFailed"
)

// actions maps each reason to the action that led to it.
func actions() map[Reason]string {
	return map[Reason]string{
		Bound: "Bind", BindFailed: "Bind", Rotated: "Rotate", RotateFailed: "Rotate", Unbound: "Unbind", UnbindFailed: "Unbind",
	}
}

const (
	component  = "kubectl-pgbind"
	controller = "pgbind.dev/" + component
	// limit is the time for the requests of one Event, because a binding works without it.
	limit = 10 * time.Second
	// The API server accepts this many bytes.
	longestMessage, longestName = 1024, 253
)

// Recorder records Events.
type Recorder struct {
	Kube kubernetes.Interface
	// Report gets the reason if an Event cannot be recorded. That is no failure, because a binding works without it.
	Report interface {
		Step(format string, args ...any)
	}
}

// Normal records that something was done. If the workload is nil, it does nothing.
func (r Recorder) Normal(ctx context.Context, w *workload.Workload, reason Reason, message string) {
	r.record(ctx, w, &corev1.Event{Type: corev1.EventTypeNormal, Reason: string(reason), Message: message})
}

// Warning records that something failed. If the workload is nil, it does nothing.
func (r Recorder) Warning(ctx context.Context, w *workload.Workload, reason Reason, cause error) {
	line, _, _ := strings.Cut(cause.Error(), "\n") // advice follows
	r.record(ctx, w, &corev1.Event{Type: corev1.EventTypeWarning, Reason: string(reason), Message: line})
}

// record completes the Event and writes it, even if ctx has ended. A missing permission needs no report.
func (r Recorder) record(ctx context.Context, w *workload.Workload, e *corev1.Event) {
	if w == nil {
		return
	}
	ctx, cancel := rollback.AfterEnd(ctx, limit)
	defer cancel()
	object, err := reference.GetReference(scheme.Scheme, w.Object())
	if err == nil {
		complete(e, object)
		err = r.write(ctx, e)
	}
	if err != nil && !apierrors.IsForbidden(err) {
		r.Report.Step("the Event %s for %s is not recorded: %v", e.Reason, w, err)
	}
}

// complete fills in what all Events have.
func complete(e *corev1.Event, object *corev1.ObjectReference) {
	now := metav1.Now()
	host, _ := os.Hostname() // of a person's machine, or of the Pod of a job
	e.Message, e.Action = cut(e.Message), actions()[Reason(e.Reason)]
	e.InvolvedObject = *object
	e.Source = corev1.EventSource{Component: component}
	e.ReportingController, e.ReportingInstance = controller, host
	e.FirstTimestamp, e.LastTimestamp, e.Count = now, now, 1
	e.Namespace, e.Name = object.Namespace, nameOf(e)
}

// write creates the Event, or counts up an equal one that still exists.
func (r Recorder) write(ctx context.Context, e *corev1.Event) error {
	events := r.Kube.CoreV1().Events(e.Namespace)
	_, err := events.Create(ctx, e, metav1.CreateOptions{})
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		existing, err := events.Get(ctx, e.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		existing.Count++
		existing.LastTimestamp = e.LastTimestamp
		_, err = events.Update(ctx, existing, metav1.UpdateOptions{})
		return err
	})
}

// nameOf returns a name that only equal Events have.
func nameOf(e *corev1.Event) string {
	sum := fnv.New64a()
	for _, part := range []string{string(e.InvolvedObject.UID), e.Type, e.Reason, e.Message} {
		_, _ = fmt.Fprintf(sum, "%d %s", len(part), part)
	}
	suffix := fmt.Sprintf(".%016x", sum.Sum64())
	name := e.InvolvedObject.Name
	if most := longestName - len(suffix); len(name) > most {
		name = strings.TrimRight(name[:most], ".-")
	}
	return name + suffix
}

// cut shortens a message that is too long for an Event.
func cut(message string) string {
	const more = " ..."
	if len(message) <= longestMessage {
		return message
	}
	return strings.ToValidUTF8(message[:longestMessage-len(more)], "") + more
}
