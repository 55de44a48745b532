package workload

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
)

// statusFunc returns a line for the user and whether the rollout of the object is complete. A rollout that failed is an error.
type statusFunc func(o *unstructured.Unstructured) (line string, done bool, err error)

// Status implements polymorphichelpers.StatusViewer.
func (f statusFunc) Status(obj runtime.Unstructured, _ int64) (string, bool, error) {
	return f(&unstructured.Unstructured{Object: obj.UnstructuredContent()})
}

// counts are the paths of the numbers by which a rollout is complete: every one that must be reached is at least wanted, and there are no
// more Pods than that in total.
type counts struct {
	wanted, total string
	reached       []string
}

func (c counts) status(o *unstructured.Unstructured) (string, bool, error) {
	if number(o, "status.observedGeneration", 0) < o.GetGeneration() {
		return "Waiting for the controller to observe the change...", false, nil
	}
	if condition, message := conditionOf(o, "Progressing"); condition == "False" {
		return "", false, fmt.Errorf("its rollout failed: %s", message)
	}
	wanted := number(o, c.wanted, 1)
	for _, path := range c.reached {
		if n := number(o, path, 0); n < wanted {
			return fmt.Sprintf("Waiting for the rollout of %q to finish: %d of %d (%s)...", o.GetName(), n, wanted, path), false, nil
		}
	}
	if total := number(o, c.total, 0); total > wanted {
		return fmt.Sprintf("Waiting for the rollout of %q to finish: %d old Pods are left...", o.GetName(), total-wanted), false, nil
	}
	return fmt.Sprintf("%q successfully rolled out", o.GetName()), true, nil
}

// argoStatus is the status of a Rollout of Argo, which writes generations as text.
func argoStatus(o *unstructured.Unstructured) (string, bool, error) {
	if generationOf(o, "status.observedGeneration") < o.GetGeneration() {
		return "Waiting for the controller to observe the change...", false, nil
	}
	switch phase := text(o, "status.phase"); phase {
	case "Healthy":
		return fmt.Sprintf("rollout %q successfully rolled out", o.GetName()), true, nil
	case "Degraded":
		return "", false, fmt.Errorf("its rollout failed: %s", text(o, "status.message"))
	case "Paused":
		return fmt.Sprintf(
			"rollout %q is paused: continue with kubectl argo rollouts promote %s --namespace %s", o.GetName(),
			o.GetName(), o.GetNamespace(),
		), false, nil
	}
	return fmt.Sprintf("Waiting for rollout %q to finish: %d of %d updated...", o.GetName(),
		number(o, "status.updatedReplicas", 0), number(o, "spec.replicas", 1)), false, nil
}

// knativeStatus is the status of a Service of Knative.
func knativeStatus(o *unstructured.Unstructured) (string, bool, error) {
	condition, message := conditionOf(o, "Ready")
	switch {
	case number(o, "status.observedGeneration", 0) < o.GetGeneration():
		return "Waiting for the controller to observe the change...", false, nil
	case condition == "True" && text(o, "status.latestReadyRevisionName") == text(o, "status.latestCreatedRevisionName"):
		return fmt.Sprintf("revision %q is ready", text(o, "status.latestReadyRevisionName")), true, nil
	case condition == "False":
		return "", false, fmt.Errorf("its rollout failed: %s", message)
	}
	return fmt.Sprintf("Waiting for revision %q to be ready...", text(o, "status.latestCreatedRevisionName")), false, nil
}

// customRollout returns how the Pods of an object without a Go type get a change.
func (w *Workload) customRollout(o *unstructured.Unstructured) Rollout {
	strategy := "spec.updateStrategy."
	inPlace := []string{
		text(o, strategy+"type"), text(o, strategy+"rollingUpdate.podUpdatePolicy"),
		text(o, strategy+"rollingUpdate.rollingUpdateType"),
	}
	isInPlace := func(policy string) bool { return strings.HasPrefix(policy, "InPlace") }
	manual, _, _ := unstructured.NestedSlice(o.Object, "spec", "triggers")
	isConfigChange := func(trigger any) bool {
		t, _ := trigger.(map[string]any)
		return t["type"] == "ConfigChange"
	}
	switch {
	case flag(o, "spec.paused"), flag(o, strategy+"paused"), flag(o, strategy+"rollingUpdate.paused"):
		return Rollout{Paused, fmt.Sprintf("%s is paused: its Pods get the change after it is resumed", w)}
	case text(o, strategy+"type") == "OnDelete":
		return w.replacePods("has the update strategy OnDelete")
	case number(o, strategy+"partition", 0) > 0, number(o, strategy+"rollingUpdate.partition", 0) > 0:
		return Rollout{
			Paused,
			fmt.Sprintf("%s applies the change only to Pods above its partition: the others get it when the partition is 0", w),
		}
	case o.GroupVersionKind().Group == kruiseGroup && slices.ContainsFunc(inPlace, isInPlace):
		// A Pod that is updated in place has the annotation of the new generation, and the variables of the old one.
		return Rollout{
			Paused,
			fmt.Sprintf("%s updates its Pods in place: Pods that are not replaced keep the variables that they started with", w),
		}
	case o.GroupVersionKind().Group == openShiftGroup && len(manual) > 0 && !slices.ContainsFunc(manual, isConfigChange):
		return Rollout{
			Paused,
			fmt.Sprintf("%s has no trigger ConfigChange: its Pods get the change after oc rollout latest %s --namespace %s",
				w, w.Name(), w.Namespace()),
		}
	}
	return Rollout{Kind: Followed}
}

// StatusCommand is the command that shows the rollout of the workload, and waits for its end if there is such a command.
func (w *Workload) StatusCommand() string {
	switch group := w.kind.gvk.Group; {
	case w.runBy != nil:
		return w.runBy.StatusCommand()
	case group == argoGroup:
		return fmt.Sprintf("kubectl argo rollouts status %s -n %s", w.Name(), w.Namespace())
	case group == openShiftGroup:
		return fmt.Sprintf("oc rollout status dc/%s -n %s", w.Name(), w.Namespace())
	case w.kind.isCustom():
		return fmt.Sprintf("kubectl describe %s -n %s", w, w.Namespace())
	}
	return fmt.Sprintf("kubectl rollout status %s -n %s", w, w.Namespace())
}

// waitPods waits until the Pods of a workload whose status is not known use the same Secrets as its template, and are ready.
func (c *Client) waitPods(ctx context.Context, w *Workload, progress func(string)) error {
	last := ""
	err := wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
		pods, err := c.Pods(ctx, w)
		pods = slices.DeleteFunc(pods, func(pod *corev1.Pod) bool {
			return isReady(pod) && !slices.ContainsFunc(secretsOf(&w.template.Spec), func(secret string) bool {
				return !upToDate(pod.Annotations, &pod.Spec, w.template, secret)
			})
		})
		if line := "Waiting for Pods to be replaced and ready: " + strings.Join(
			podNames(pods),
			", ",
		); err == nil && len(pods) > 0 &&
			line != last {
			progress(line)
			last = line
		}
		return len(pods) == 0, err
	})
	if cause := context.Cause(ctx); cause != nil && err != nil {
		return cause
	}
	return err
}

// secretsOf returns the names of the Secrets that the spec uses.
func secretsOf(spec *corev1.PodSpec) []string {
	var names []string
	for _, v := range spec.Volumes {
		if v.Secret != nil {
			names = append(names, v.Secret.SecretName)
		}
	}
	for _, c := range containers(spec) {
		_, secrets := sources(c)
		names = append(names, secrets...)
	}
	return names
}

// field returns the value at a path with dots; nil if there is none.
func field(o *unstructured.Unstructured, path string) any {
	value, _, _ := unstructured.NestedFieldNoCopy(o.Object, strings.Split(path, ".")...)
	return value
}

// number returns the number at the path, or otherwise if there is none.
func number(o *unstructured.Unstructured, path string, otherwise int64) int64 {
	switch n := field(o, path).(type) {
	case int64:
		return n
	case float64:
		return int64(n)
	}
	return otherwise
}

// generationOf returns the generation at the path, which Argo writes as text.
func generationOf(o *unstructured.Unstructured, path string) int64 {
	if n, err := strconv.ParseInt(text(o, path), 10, 64); err == nil {
		return n
	}
	return number(o, path, 0)
}

// text returns the text at the path.
func text(o *unstructured.Unstructured, path string) string {
	s, _ := field(o, path).(string)
	return s
}

// flag reports whether the value at the path is true.
func flag(o *unstructured.Unstructured, path string) bool {
	set, _ := field(o, path).(bool)
	return set
}

// conditionOf returns the status and the message of a condition.
func conditionOf(o *unstructured.Unstructured, kind string) (status, message string) {
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, condition := range conditions {
		if c, ok := condition.(map[string]any); ok && c["type"] == kind {
			status, _ = c["status"].(string)
			message, _ = c["message"].(string)
		}
	}
	return status, message
}
