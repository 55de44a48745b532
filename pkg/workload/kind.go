package workload

import (
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// kind is one kind of workload: its resource, and the Go type of its objects.
type kind struct {
	gvk      schema.GroupVersionKind
	resource string
	new      func() object
	// specPath is the path from the object to the spec of its Pods, in JSON names.
	specPath []string
}

// gvr returns the resource of the kind.
func (k kind) gvr() schema.GroupVersionResource {
	return k.gvk.GroupVersion().WithResource(k.resource)
}

// kinds returns every kind whose Pods can use a Secret, and Job, which can only be read.
func kinds() []kind {
	template := []string{"spec", "template", "spec"}
	return []kind{
		{appsv1.SchemeGroupVersion.WithKind("Deployment"), "deployments", func() object { return &appsv1.Deployment{} }, template},
		{appsv1.SchemeGroupVersion.WithKind("StatefulSet"), "statefulsets", func() object { return &appsv1.StatefulSet{} }, template},
		{appsv1.SchemeGroupVersion.WithKind("DaemonSet"), "daemonsets", func() object { return &appsv1.DaemonSet{} }, template},
		{appsv1.SchemeGroupVersion.WithKind("ReplicaSet"), "replicasets", func() object { return &appsv1.ReplicaSet{} }, template},
		{corev1.SchemeGroupVersion.WithKind("ReplicationController"), "replicationcontrollers",
			func() object { return &corev1.ReplicationController{} }, template},
		{batchv1.SchemeGroupVersion.WithKind("CronJob"), "cronjobs", func() object { return &batchv1.CronJob{} },
			[]string{"spec", "jobTemplate", "spec", "template", "spec"}},
		{batchv1.SchemeGroupVersion.WithKind("Job"), "jobs", func() object { return &batchv1.Job{} }, template},
		{corev1.SchemeGroupVersion.WithKind("Pod"), "pods", func() object { return &corev1.Pod{} }, []string{"spec"}},
	}
}

// kindFor returns the workload kind for a group and kind; ok is false if it is not a workload.
func kindFor(gk schema.GroupKind) (kind, bool) {
	for _, k := range kinds() {
		if k.gvk.GroupKind() == gk {
			return k, true
		}
	}
	return kind{}, false
}

// bindableKinds returns the kinds that Get accepts, for error messages.
func bindableKinds() string {
	var names []string
	for _, k := range kinds() {
		if k.gvk.Kind != "Job" {
			names = append(names, strings.ToLower(k.gvk.Kind))
		}
	}
	return strings.Join(names, ", ")
}

// podTemplate returns the pod template of the object, or nil if it has none. For a Pod it returns the Pod's metadata and spec.
func podTemplate(obj object) *corev1.PodTemplateSpec {
	switch o := obj.(type) {
	case *appsv1.Deployment:
		return &o.Spec.Template
	case *appsv1.StatefulSet:
		return &o.Spec.Template
	case *appsv1.DaemonSet:
		return &o.Spec.Template
	case *appsv1.ReplicaSet:
		return &o.Spec.Template
	case *corev1.ReplicationController:
		return o.Spec.Template
	case *batchv1.CronJob:
		return &o.Spec.JobTemplate.Spec.Template
	case *batchv1.Job:
		return &o.Spec.Template
	case *corev1.Pod:
		// Share the maps, so that an annotation that is set on the Pod is also in the template.
		o.Labels, o.Annotations = made(o.Labels), made(o.Annotations)
		return &corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: o.Labels, Annotations: o.Annotations}, Spec: o.Spec}
	}
	return nil
}

// made returns the map, or an empty map for nil.
func made(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
