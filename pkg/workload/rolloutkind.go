package workload

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// RolloutKind is the way in which the Pods get a changed template.
type RolloutKind string

const (
	// Followed means that the controller replaces the Pods, and WaitRollout waits for it.
	Followed RolloutKind = "Followed"
	// NextRun means that the next Pods of a CronJob have the change; running Pods keep the old template.
	NextRun RolloutKind = "NextRun"
	// ReplacePods means that nothing replaces the Pods automatically; Restart deletes the OutdatedPods.
	ReplacePods RolloutKind = "ReplacePods"
	// Paused means that a paused Deployment or a partitioned StatefulSet holds the rollout back until somebody changes that.
	Paused RolloutKind = "Paused"
)

// Rollout describes how the Pods get a change of the template.
type Rollout struct {
	Kind RolloutKind
	// Message is the text for the user; empty if Kind is Followed.
	Message string
}

// Rollout returns how the workload's Pods get a change of the template.
func (w *Workload) Rollout() Rollout {
	switch o := w.object.(type) {
	case *corev1.Pod:
		// Only RecreatePod changes a Pod, and WaitRollout waits until the new one is ready.
		return Rollout{Kind: Followed}
	case *appsv1.Deployment:
		if o.Spec.Paused {
			return Rollout{Paused,
				fmt.Sprintf("%s is paused: its Pods get the change after kubectl rollout resume %s --namespace %s", w, w, w.Namespace())}
		}
	case *appsv1.StatefulSet:
		if o.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType {
			return w.replacePods("has the update strategy OnDelete")
		}
		// Below the partition, even a deleted Pod comes back with the old template.
		if r := o.Spec.UpdateStrategy.RollingUpdate; r != nil && r.Partition != nil && *r.Partition > 0 {
			return Rollout{Paused, fmt.Sprintf("%s applies the change only to Pods with the ordinal %d or higher: "+
				"the others get it when spec.updateStrategy.rollingUpdate.partition is 0", w, *r.Partition)}
		}
	case *appsv1.DaemonSet:
		if o.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType {
			return w.replacePods("has the update strategy OnDelete")
		}
	case *batchv1.CronJob:
		return nextRun(w, o)
	case *batchv1.Job:
		return Rollout{NextRun, fmt.Sprintf("%s does not change its running Pods", w)}
	case *unstructured.Unstructured:
		return w.customRollout(o)
	default:
		return w.replacePods("does not replace its Pods")
	}
	return Rollout{Kind: Followed}
}

// replacePods returns the rollout of a workload whose Pods must be deleted.
func (w *Workload) replacePods(reason string) Rollout {
	return Rollout{ReplacePods, fmt.Sprintf("%s %s: a Pod gets the change when you delete it and it is created again; "+
		"--restart deletes the Pods one by one", w, reason)}
}

// nextRun describes when the CronJob runs next.
func nextRun(w *Workload, o *batchv1.CronJob) Rollout {
	if o.Spec.Suspend != nil && *o.Spec.Suspend {
		return Rollout{NextRun, fmt.Sprintf("%s is suspended: its next run has the change", w)}
	}
	return Rollout{NextRun, fmt.Sprintf("the next run of %s has the change (schedule %q)", w, o.Spec.Schedule)}
}

// Replacer replaces the Pods of a workload, or waits until they are replaced. *Client implements it.
type Replacer interface {
	Restart(ctx context.Context, w *Workload, secret string, progress func(string)) error
	WaitRollout(ctx context.Context, w *Workload, progress func(string)) error
}

// Replacement describes how Pods that use a Secret are replaced.
type Replacement struct {
	Secret   string
	Restart  bool // replace the Pods of a workload that does not replace them itself
	Progress func(string)
}

// ReplacePodsOf waits until the Pods of a workload are replaced. It returns false if nothing replaces them now; Rollout says why.
func ReplacePodsOf(ctx context.Context, c Replacer, w *Workload, r Replacement) (replaced bool, err error) {
	switch kind := w.Rollout().Kind; {
	case kind == ReplacePods && r.Restart:
		return true, c.Restart(ctx, w, r.Secret, r.Progress)
	case kind == Followed:
		return true, c.WaitRollout(ctx, w, r.Progress)
	}
	return false, nil
}
