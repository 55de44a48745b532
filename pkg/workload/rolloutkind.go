package workload

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// RolloutKind is how a changed template reaches the Pods.
type RolloutKind string

const (
	// Followed means that the controller replaces the Pods and WaitRollout follows it.
	Followed RolloutKind = "Followed"
	// NextRun means that the next Pods that a CronJob starts have the change; those that run keep what they have.
	NextRun RolloutKind = "NextRun"
	// ReplacePods means that nothing replaces the Pods by itself; OutdatedPods are to be deleted, which Restart does.
	ReplacePods RolloutKind = "ReplacePods"
	// Paused means that a Deployment or a partitioned StatefulSet holds its rollout back until someone changes that.
	Paused RolloutKind = "Paused"
)

// Rollout tells how a change of the template reaches the Pods.
type Rollout struct {
	Kind RolloutKind
	// Message is the sentence for the user; empty when Kind is Followed.
	Message string
}

// Rollout tells how a change of the template reaches the workload's Pods.
func (w *Workload) Rollout() Rollout {
	switch o := w.object.(type) {
	case *corev1.Pod:
		// Only RecreatePod changes it, and the new one is followed until it is ready.
		return Rollout{Kind: Followed}
	case *appsv1.Deployment:
		if o.Spec.Paused {
			return Rollout{Paused, fmt.Sprintf("%s is paused: its Pods get the change after kubectl rollout resume %s --namespace %s", w, w, w.Namespace())}
		}
	case *appsv1.StatefulSet:
		if o.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType {
			return w.replacePods("has the update strategy OnDelete")
		}
		// Even a Pod that is deleted comes back with the former template below the partition.
		if r := o.Spec.UpdateStrategy.RollingUpdate; r != nil && r.Partition != nil && *r.Partition > 0 {
			return Rollout{Paused, fmt.Sprintf("%s gives the change only to Pods numbered %d and higher: the others get it when spec.updateStrategy.rollingUpdate.partition is 0", w, *r.Partition)}
		}
	case *appsv1.DaemonSet:
		if o.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType {
			return w.replacePods("has the update strategy OnDelete")
		}
	case *batchv1.CronJob:
		return nextRun(w, o)
	case *batchv1.Job:
		return Rollout{NextRun, fmt.Sprintf("%s keeps what its Pods have", w)}
	default:
		return w.replacePods("does not replace its Pods")
	}
	return Rollout{Kind: Followed}
}

// replacePods is the rollout that someone has to do.
func (w *Workload) replacePods(reason string) Rollout {
	return Rollout{ReplacePods, fmt.Sprintf("%s %s: a Pod gets the change when it is deleted and made anew; --restart does that, one by one", w, reason)}
}

// nextRun tells when the CronJob runs next.
func nextRun(w *Workload, o *batchv1.CronJob) Rollout {
	if o.Spec.Suspend != nil && *o.Spec.Suspend {
		return Rollout{NextRun, fmt.Sprintf("%s is suspended: its first run after that has the change", w)}
	}
	return Rollout{NextRun, fmt.Sprintf("the next run of %s has the change (schedule %q)", w, o.Spec.Schedule)}
}
