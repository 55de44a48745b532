package workload

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

// templatePathAnnotation on a workload of a kind that is not known names the path to its pod template. It is set as long as the workload
// has a binding, so that every later command finds the template.
const templatePathAnnotation = "pgbind.dev/template-path"

const argoGroup, knativeGroup, kruiseGroup, openShiftGroup = "argoproj.io", "serving.knative.dev", "apps.kruise.io", "apps.openshift.io"

// customKinds returns the known kinds that are not built in. All have their pod template at spec.template.
func customKinds() []kind {
	replicaSet, controller := schema.GroupKind{Group: "apps", Kind: "ReplicaSet"}, schema.GroupKind{Kind: "ReplicationController"}
	known := func(group, version, kindName string, change kind) kind {
		change.gvk = schema.GroupVersionKind{Group: group, Version: version, Kind: kindName}
		change.resource, change.templatePath = strings.ToLower(kindName)+"s", []string{"spec", "template"}
		change.new = newUnstructured(change.gvk)
		return change
	}
	return []kind{
		known(argoGroup, "v1alpha1", "Rollout", kind{between: replicaSet, status: argoStatus}),
		known(openShiftGroup, "v1", "DeploymentConfig", kind{between: controller, status: counts{"spec.replicas", "status.replicas",
			[]string{"status.updatedReplicas", "status.availableReplicas"}}.status}),
		known(knativeGroup, "v1", "Service", kind{podLabel: knativeGroup + "/service", status: knativeStatus}),
		known(kruiseGroup, "v1alpha1", "CloneSet", kind{status: counts{"spec.replicas", "status.replicas",
			[]string{"status.updatedReplicas", "status.updatedReadyReplicas"}}.status}),
		known(kruiseGroup, "v1beta1", "StatefulSet", kind{status: counts{"spec.replicas", "status.replicas",
			[]string{"status.updatedReplicas", "status.readyReplicas"}}.status}),
		known(kruiseGroup, "v1alpha1", "DaemonSet", kind{status: counts{"status.desiredNumberScheduled", "",
			[]string{"status.updatedNumberScheduled", "status.numberAvailable"}}.status}),
	}
}

// mappedKind returns the kind for a resource that the API server serves, in its version. A kind that is not known has no template path.
func mappedKind(m *meta.RESTMapping) kind {
	k, known := kindFor(m.GroupVersionKind.GroupKind())
	if known && !k.isCustom() {
		return k
	}
	k.gvk, k.resource, k.new = m.GroupVersionKind, m.Resource.Resource, newUnstructured(m.GroupVersionKind)
	return k
}

// isCustom reports whether objects of the kind have no Go type.
func (k kind) isCustom() bool {
	_, ok := k.new().(*unstructured.Unstructured)
	return ok
}

// newUnstructured returns a function that returns empty objects.
func newUnstructured(gvk schema.GroupVersionKind) func() object {
	return func() object {
		obj := &unstructured.Unstructured{}
		obj.SetGroupVersionKind(gvk)
		return obj
	}
}

// HasTemplate reports whether the place of the pod template is known. Without it, only InjectNone is possible, and Template is empty.
func (w *Workload) HasTemplate() bool { return w.IsPod() || w.kind.templatePath != nil }

// CheckTemplate returns an error if the place of the pod template is not known.
func (w *Workload) CheckTemplate() error {
	if w.HasTemplate() {
		return nil
	}
	hint := ""
	for _, path := range [][]string{{"spec", "template"}, {"spec", "jobTemplate", "spec", "template"}, {"spec", "podTemplate"}} {
		if t, err := templateAt(w.object, path); err == nil && len(t.Spec.Containers) > 0 {
			hint = " (it has one at " + strings.Join(path, ".") + ")"
		}
	}
	return fmt.Errorf(
		"the pod template of %s is not known: name its place with --template-path%s, or create only the role and the Secret with --inject none",
		w,
		hint,
	)
}

// UseTemplate sets the place of the pod template in a workload of a kind that is not known, as field names with dots: "spec.template".
func (w *Workload) UseTemplate(path string) error {
	fields := strings.Split(strings.TrimPrefix(path, "."), ".")
	if k, known := kindFor(w.kind.gvk.GroupKind()); known && !slices.Equal(k.templatePath, fields) {
		return fmt.Errorf("%s has its pod template at %q: leave out --template-path", w, strings.Join(k.templatePath, "."))
	}
	t, err := templateAt(w.object, fields)
	if err != nil {
		return err
	}
	if len(t.Spec.Containers) == 0 {
		return fmt.Errorf("%s has no pod template with containers at %q: choose another --template-path", w, path)
	}
	w.kind.templatePath, w.template = fields, t
	return nil
}

// keepTemplatePath records the place of the template for later commands, as long as the workload has a binding.
func (w *Workload) keepTemplatePath() {
	if _, known := kindFor(w.kind.gvk.GroupKind()); known || w.kind.templatePath == nil {
		return
	}
	path := ""
	if len(secret.AnnotationsOf(w.Annotations())) > 0 {
		path = strings.Join(w.kind.templatePath, ".")
	}
	w.SetAnnotation(templatePathAnnotation, path)
}

// templateAt decodes the pod template at the path; it is empty if there is none.
func templateAt(obj object, path []string) (*corev1.PodTemplateSpec, error) {
	t := &corev1.PodTemplateSpec{}
	raw, err := rawTemplate(obj, path)
	if err == nil && raw != nil {
		err = convert(raw, t)
	}
	if err != nil {
		return nil, fmt.Errorf("decode the pod template at %s: %w", strings.Join(path, "."), err)
	}
	return t, nil
}

// rawTemplate returns the template as the object has it, with fields that this program does not know; nil if there is none.
func rawTemplate(obj object, path []string) (map[string]any, error) {
	o, ok := obj.(*unstructured.Unstructured)
	if !ok {
		return nil, fmt.Errorf("%T has a type of its own", obj)
	}
	raw, _, err := unstructured.NestedMap(o.Object, path...)
	return raw, err
}

// storeTemplate writes the changes of the template into the object and keeps every field that this program does not know.
func (w *Workload) storeTemplate(o *unstructured.Unstructured) error {
	before, err := templateAt(o, w.kind.templatePath)
	if err != nil {
		return err
	}
	raw, err := rawTemplate(o, w.kind.templatePath)
	if err != nil {
		return err
	}
	texts := make([][]byte, 3)
	for i, value := range []any{before, w.template, raw} {
		if texts[i], err = json.Marshal(value); err != nil {
			return err
		}
	}
	patch, err := strategicpatch.CreateTwoWayMergePatch(texts[0], texts[1], corev1.PodTemplateSpec{})
	if err != nil || string(patch) == "{}" {
		return err
	}
	merged, err := strategicpatch.StrategicMergePatch(texts[2], patch, corev1.PodTemplateSpec{})
	if err != nil {
		return err
	}
	var template map[string]any
	if err := json.Unmarshal(merged, &template); err != nil {
		return err
	}
	return unstructured.SetNestedMap(o.Object, template, w.kind.templatePath...)
}
