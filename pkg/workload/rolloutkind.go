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
	// Followed: the controller replaces the Pods and WaitRollout follows it.
	Followed RolloutKind = "Followed"
	// NextRun: the next Pods that a CronJob starts have the change; those that run keep what they have.
	NextRun RolloutKind = "NextRun"
	// ReplacePods: nothing replaces the Pods by itself; OutdatedPods are to be deleted, which Restart does.
	ReplacePods RolloutKind = "ReplacePods"
	// Paused: a Deployment that replaces its Pods only after it is resumed.
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
	case *appsv1.Deployment:
		if o.Spec.Paused {
			return Rollout{Paused, fmt.Sprintf("%s is paused: its Pods get the change after kubectl rollout resume %s --namespace %s", w, w, w.Namespace())}
		}
	case *appsv1.StatefulSet:
		if o.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType {
			return w.replacePods("has the update strategy OnDelete")
		}
	case *appsv1.DaemonSet:
		if o.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType {
			return w.replacePods("has the update strategy OnDelete")
		}
	case *batchv1.CronJob:
		return nextRun(w, o)
	case *batchv1.Job:
		return Rollout{NextRun, fmt.Sprintf("%s keeps what its Pods have", w)}
	case *corev1.Pod:
		return Rollout{ReplacePods, fmt.Sprintf("%s has the change when it is replaced by an equal Pod, which --recreate does", w)}
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
