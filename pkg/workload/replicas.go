package workload

import (
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Replicas returns how many Pods the workload should have at the same time; 0 if that is unknown. A rollout can have more.
func (w *Workload) Replicas() int {
	one := int32(1)
	wanted := &one
	switch o := w.object.(type) {
	case *appsv1.Deployment:
		wanted = o.Spec.Replicas
	case *appsv1.StatefulSet:
		wanted = o.Spec.Replicas
	case *appsv1.ReplicaSet:
		wanted = o.Spec.Replicas
	case *corev1.ReplicationController:
		wanted = o.Spec.Replicas
	case *appsv1.DaemonSet:
		wanted = &o.Status.DesiredNumberScheduled
	case *batchv1.Job:
		wanted = o.Spec.Parallelism
	case *batchv1.CronJob:
		wanted = o.Spec.JobTemplate.Spec.Parallelism
	case *unstructured.Unstructured:
		return int(number(o, "spec.replicas", 0))
	}
	if wanted == nil {
		return 1 // the default of the API
	}
	return int(*wanted)
}
