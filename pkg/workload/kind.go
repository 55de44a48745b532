package workload

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// kind is one kind of workload: its resource, and the Go type of its objects (*unstructured.Unstructured if it is not built in).
type kind struct {
	gvk      schema.GroupVersionKind
	resource string
	new      func() object
	// templatePath is the path from the object to its pod template, in JSON names. A Pod is its own template.
	templatePath []string
	// between is the kind of the objects that the workload creates and that create its Pods; empty: it creates its Pods itself.
	between schema.GroupKind
	// podLabel is the label that holds the workload's name on its Pods, if there are several kinds of objects between them.
	podLabel string
	// status reports the progress of a rollout; nil for a built-in kind, whose status kubectl knows, and for an unknown one.
	status statusFunc
}

// specPath returns the path from the object to the spec of its Pods.
func (k kind) specPath() []string { return append(slices.Clone(k.templatePath), "spec") }

// gvr returns the resource of the kind.
func (k kind) gvr() schema.GroupVersionResource {
	return k.gvk.GroupVersion().WithResource(k.resource)
}

// kinds returns every built-in kind whose Pods can use a Secret, and Job, which can only be read.
func kinds() []kind {
	template, apps, core, batch := []string{
		"spec",
		"template",
	}, appsv1.SchemeGroupVersion, corev1.SchemeGroupVersion, batchv1.SchemeGroupVersion
	return []kind{
		{
			gvk:          apps.WithKind("Deployment"),
			resource:     "deployments",
			new:          func() object { return &appsv1.Deployment{} },
			templatePath: template,
			between:      apps.WithKind("ReplicaSet").GroupKind(),
		},
		{
			gvk:          apps.WithKind("StatefulSet"),
			resource:     "statefulsets",
			new:          func() object { return &appsv1.StatefulSet{} },
			templatePath: template,
		},
		{
			gvk:          apps.WithKind("DaemonSet"),
			resource:     "daemonsets",
			new:          func() object { return &appsv1.DaemonSet{} },
			templatePath: template,
		},
		{
			gvk:          apps.WithKind("ReplicaSet"),
			resource:     "replicasets",
			new:          func() object { return &appsv1.ReplicaSet{} },
			templatePath: template,
		},
		{gvk: core.WithKind("ReplicationController"), resource: "replicationcontrollers",
			new: func() object { return &corev1.ReplicationController{} }, templatePath: template},
		{gvk: batch.WithKind("CronJob"), resource: "cronjobs", new: func() object { return &batchv1.CronJob{} },
			templatePath: []string{"spec", "jobTemplate", "spec", "template"}, between: batch.WithKind("Job").GroupKind()},
		{gvk: batch.WithKind("Job"), resource: "jobs", new: func() object { return &batchv1.Job{} }, templatePath: template},
		{gvk: core.WithKind("Pod"), resource: "pods", new: func() object { return &corev1.Pod{} }},
	}
}

// kindFor returns the workload kind for a group and kind; ok is false if it is not a known workload.
func kindFor(gk schema.GroupKind) (kind, bool) {
	for _, k := range append(kinds(), customKinds()...) {
		if k.gvk.GroupKind() == gk {
			return k, true
		}
	}
	return kind{}, false
}

// podTemplate returns the pod template of the object, or nil if it has none. For a Pod it returns the Pod's metadata and spec.
// An object without a Go type has its template elsewhere: see templateAt.
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
