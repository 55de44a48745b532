// Package workload reads and changes the pod templates of workloads: it adds references to Secrets, patches without overwriting changes of
// other writers, and waits for the new Pods.
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
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// object is any typed API object.
type object interface {
	runtime.Object
	metav1.Object
}

// Workload is an object whose Pods can use a Secret, as last read from the API server.
type Workload struct {
	kind     kind
	object   object
	template *corev1.PodTemplateSpec
	// runBy is the Rollout of Argo that runs the Pods of a Deployment, if the user named the Rollout.
	runBy *Workload
	// manager is the field manager of changes; empty: that of the client. earlier is the one of the changes before.
	manager, earlier string
}

// newWorkload wraps an object. It fails for a ReplicationController without a template, which has no Pods.
func newWorkload(k kind, obj object) (*Workload, error) {
	// A typed client leaves apiVersion and kind empty, but printers and events need them.
	obj.GetObjectKind().SetGroupVersionKind(k.gvk)
	w := &Workload{kind: k, object: obj}
	if !k.isCustom() {
		w.template = podTemplate(obj)
	} else if err := w.findTemplate(); err != nil {
		return nil, err
	}
	if w.template == nil {
		return nil, fmt.Errorf("%s in namespace %s has no pod template", w, w.Namespace())
	}
	return w, nil
}

// findTemplate reads the pod template of an object without a Go type. It is empty if its place is not known.
func (w *Workload) findTemplate() error {
	w.template = &corev1.PodTemplateSpec{}
	if path := w.Annotations()[templatePathAnnotation]; w.kind.templatePath == nil && path != "" {
		w.kind.templatePath = strings.Split(path, ".")
	}
	if w.kind.templatePath == nil {
		return nil
	}
	t, err := templateAt(w.object, w.kind.templatePath)
	if err != nil {
		return fmt.Errorf("%s in namespace %s: %w", w, w.Namespace(), err)
	}
	if w.template = t; len(t.Spec.Containers) == 0 {
		w.template = nil
	}
	return nil
}

// Of wraps an object that was read elsewhere. It fails if the object's kind has no Pods or the object has no pod template.
func Of(obj runtime.Object) (*Workload, error) {
	for _, k := range kinds() {
		if o, ok := obj.(object); ok && reflect.TypeOf(k.new()) == reflect.TypeOf(o) {
			return newWorkload(k, o)
		}
	}
	return nil, fmt.Errorf("%T has no pod template", obj)
}

// String returns the workload's name as kubectl prints it: "deployment.apps/web", "pod/web".
func (w *Workload) String() string {
	return QualifiedName(w.kind.gvk.GroupKind(), w.Name())
}

// As returns the workload for changes as the field manager, which take over the fields of the earlier one. Both can be
// empty: the manager is then that of the client.
func (w *Workload) As(manager, earlier string) *Workload {
	as := *w
	as.manager, as.earlier = manager, earlier
	return &as
}

// FieldManager returns the field manager of changes, and the earlier one; see As.
func (w *Workload) FieldManager() (manager, earlier string) { return w.manager, w.earlier }

// Name returns the object's name.
func (w *Workload) Name() string { return w.object.GetName() }

// Namespace returns the object's namespace.
func (w *Workload) Namespace() string { return w.object.GetNamespace() }

// UID returns the object's UID. A newer object of the same name has another one.
func (w *Workload) UID() types.UID { return w.object.GetUID() }

// Resource returns the resource of the workload in the API.
func (w *Workload) Resource() schema.GroupResource { return w.kind.gvr().GroupResource() }

// Kind returns the object's group, version and kind.
func (w *Workload) Kind() schema.GroupVersionKind { return w.kind.gvk }

// IsPod reports whether the workload is a bare Pod, which cannot be patched but only replaced (RecreatePod).
func (w *Workload) IsPod() bool {
	_, ok := w.object.(*corev1.Pod)
	return ok
}

// IsJob reports whether the workload is a Job, whose template cannot be changed.
func (w *Workload) IsJob() bool {
	_, ok := w.object.(*batchv1.Job)
	return ok
}

// Created returns the time of the object's creation.
func (w *Workload) Created() time.Time { return w.object.GetCreationTimestamp().Time }

// Annotations returns the annotations of the object, not those of its template. Do not change the map.
func (w *Workload) Annotations() map[string]string { return w.object.GetAnnotations() }

// Labels returns the labels of the workload itself, not those of its Pods.
func (w *Workload) Labels() map[string]string { return w.object.GetLabels() }

// SetAnnotation sets one annotation of the object itself; an empty value removes it.
func (w *Workload) SetAnnotation(key, value string) {
	annotations := w.object.GetAnnotations()
	switch {
	case value != "" && annotations == nil:
		annotations = map[string]string{key: value}
	case value != "":
		annotations[key] = value
	default:
		delete(annotations, key)
	}
	w.object.SetAnnotations(annotations) // an object without a Go type returns a copy
}

// Template returns the pod template. Changes of it change the workload. For a Pod, it returns the Pod's metadata and spec.
func (w *Workload) Template() *corev1.PodTemplateSpec { return w.template }

// Controller returns the owner that controls the object, or nil.
func (w *Workload) Controller() *metav1.OwnerReference { return metav1.GetControllerOf(w.object) }

// Object returns the API object with all changes of the Template, for printing. Do not change it.
func (w *Workload) Object() runtime.Object {
	_ = w.assemble() // patchOnce and PatchBytes return the error
	return w.object
}

// DeepCopy returns an independent copy of the workload.
func (w *Workload) DeepCopy() *Workload {
	_ = w.assemble() // as above
	obj, _ := w.object.DeepCopyObject().(object)
	c := &Workload{kind: w.kind, object: obj, template: w.template.DeepCopy(), runBy: w.runBy, manager: w.manager, earlier: w.earlier}
	if !w.kind.isCustom() {
		c.template = podTemplate(obj)
	}
	return c
}

// Equal reports whether two versions of a workload are equal, so that a patch between them would be empty.
func (w *Workload) Equal(other *Workload) bool {
	return equality.Semantic.DeepEqual(w.Object(), other.Object())
}

// assemble copies a template that is not a part of the object back to the object.
func (w *Workload) assemble() error {
	switch o := w.object.(type) {
	case *corev1.Pod:
		o.Labels, o.Annotations, o.Spec = w.template.Labels, w.template.Annotations, w.template.Spec
	case *unstructured.Unstructured:
		if w.kind.templatePath == nil {
			return nil
		}
		if err := w.storeTemplate(o); err != nil {
			return fmt.Errorf("change the pod template of %s: %w", w, err)
		}
	}
	return nil
}

// QualifiedName returns a name in the form of kubectl: "kind.group/name" in lower case, without the group if it is the core group.
func QualifiedName(gk schema.GroupKind, name string) string {
	parts := slices.DeleteFunc([]string{strings.ToLower(gk.Kind), gk.Group}, func(s string) bool { return s == "" })
	return strings.Join(parts, ".") + "/" + name
}
