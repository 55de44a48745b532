// Package workload reads and changes the pod template of every kind that runs Pods: how a Secret is referenced from it, how the
// change reaches the API server without losing another writer's, and how the new Pods come up.
package workload

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// object is what every typed API object is.
type object interface {
	runtime.Object
	metav1.Object
}

// Workload is one object whose Pods can be given a Secret, as last read from the API server.
type Workload struct {
	kind     kind
	object   object
	template *corev1.PodTemplateSpec
}

// newWorkload wraps an object that was read; it fails for a ReplicationController without a template, which has no Pods to give anything to.
func newWorkload(k kind, obj object) (*Workload, error) {
	// A typed client leaves apiVersion and kind empty, but printers and Events need them.
	obj.GetObjectKind().SetGroupVersionKind(k.gvk)
	w := &Workload{kind: k, object: obj, template: podTemplate(obj)}
	if w.template == nil {
		return nil, fmt.Errorf("%s in namespace %s has no pod template", w, w.Namespace())
	}
	return w, nil
}

// Of wraps an object that was read elsewhere; one of a kind without Pods, or without a pod template, is an error.
func Of(obj runtime.Object) (*Workload, error) {
	for _, k := range kinds() {
		if o, ok := obj.(object); ok && reflect.TypeOf(k.new()) == reflect.TypeOf(o) {
			return newWorkload(k, o)
		}
	}
	return nil, fmt.Errorf("%T runs no Pods", obj)
}

// String returns the workload's name as kubectl prints it: "deployment.apps/web", "pod/web".
func (w *Workload) String() string {
	return qualifiedName(w.kind.gvk.GroupKind(), w.Name())
}

// Name returns the object's name.
func (w *Workload) Name() string { return w.object.GetName() }

// Namespace returns the object's namespace.
func (w *Workload) Namespace() string { return w.object.GetNamespace() }

// UID returns the object's UID, which tells a workload from a later one of the same name.
func (w *Workload) UID() types.UID { return w.object.GetUID() }

// Kind returns the object's group, version and kind.
func (w *Workload) Kind() schema.GroupVersionKind { return w.kind.gvk }

// IsPod says whether the workload is a bare Pod, which cannot be patched but only be replaced (RecreatePod).
func (w *Workload) IsPod() bool {
	_, ok := w.object.(*corev1.Pod)
	return ok
}

// IsJob says whether the workload is a Job, whose template cannot be changed.
func (w *Workload) IsJob() bool {
	_, ok := w.object.(*batchv1.Job)
	return ok
}

// Created returns when the object was made.
func (w *Workload) Created() time.Time { return w.object.GetCreationTimestamp().Time }

// Annotations returns the annotations of the object itself, not those of its template. The map is not to be changed.
func (w *Workload) Annotations() map[string]string { return w.object.GetAnnotations() }

// SetAnnotation sets one annotation of the object itself; an empty value removes it.
func (w *Workload) SetAnnotation(key, value string) {
	annotations := w.object.GetAnnotations()
	if value == "" {
		delete(annotations, key)
		return
	}
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[key] = value
	w.object.SetAnnotations(annotations)
}

// Template returns the pod template, of which changes reach the workload. A Pod has none: what is returned holds its metadata and spec.
func (w *Workload) Template() *corev1.PodTemplateSpec { return w.template }

// Controller returns the owner that controls the object, or nil.
func (w *Workload) Controller() *metav1.OwnerReference { return metav1.GetControllerOf(w.object) }

// Object returns the API object with all changes made through the Template, for printing. It is not to be changed.
func (w *Workload) Object() runtime.Object {
	w.assemble()
	return w.object
}

// DeepCopy returns a workload of which changes do not reach the original.
func (w *Workload) DeepCopy() *Workload {
	w.assemble()
	obj, _ := w.object.DeepCopyObject().(object)
	return &Workload{kind: w.kind, object: obj, template: podTemplate(obj)}
}

// Equal says whether two versions of a workload are the same, so that a patch from one to the other would change nothing.
func (w *Workload) Equal(other *Workload) bool {
	return equality.Semantic.DeepEqual(w.Object(), other.Object())
}

// assemble writes what a Pod has for a template back to the Pod.
func (w *Workload) assemble() {
	if pod, ok := w.object.(*corev1.Pod); ok {
		pod.Labels, pod.Annotations, pod.Spec = w.template.Labels, w.template.Annotations, w.template.Spec
	}
}

// qualifiedName writes a name as kubectl does: "kind.group/name" in lower case, without the group for the core one.
func qualifiedName(gk schema.GroupKind, name string) string {
	parts := slices.DeleteFunc([]string{strings.ToLower(gk.Kind), gk.Group}, func(s string) bool { return s == "" })
	return strings.Join(parts, ".") + "/" + name
}
