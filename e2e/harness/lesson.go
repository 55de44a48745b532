package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// Change alters one of the lesson's objects before it is applied.
type Change func(object *unstructured.Unstructured) error

// WithoutClaim stores the database's data in the Pod. That is faster than a PersistentVolumeClaim, and the data is deleted with the Pod.
func WithoutClaim(object *unstructured.Unstructured) error {
	if object.GetKind() != "StatefulSet" {
		return nil
	}
	unstructured.RemoveNestedField(object.Object, "spec", "volumeClaimTemplates")
	volume := map[string]any{"name": "data", "emptyDir": map[string]any{}}
	return unstructured.SetNestedSlice(object.Object, []any{volume}, "spec", "template", "spec", "volumes")
}

// WithoutReadiness removes the readiness probe, which the lesson does not have and which runs as long as the Pod.
func WithoutReadiness(object *unstructured.Unstructured) error {
	return ChangeServer(object, func(server map[string]any) { delete(server, "readinessProbe") })
}

// Version sets the version of the lesson's server; an empty one changes nothing.
func Version(version string) Change {
	return func(object *unstructured.Unstructured) error {
		if version == "" {
			return nil
		}
		return ChangeServer(object, func(server map[string]any) { server["image"] = "postgres:" + version })
	}
}

// ChangeServer changes the container of the lesson's server, if the object has it.
func ChangeServer(object *unstructured.Unstructured, change func(server map[string]any)) error {
	if object.GetKind() != "StatefulSet" {
		return nil
	}
	containers, _, err := unstructured.NestedSlice(object.Object, "spec", "template", "spec", "containers")
	if err != nil {
		return err
	}
	server, _ := containers[0].(map[string]any)
	change(server)
	return unstructured.SetNestedSlice(object.Object, containers, "spec", "template", "spec", "containers")
}

// ApplyLesson applies the lesson's manifests in this namespace.
func (n *Namespace) ApplyLesson(ctx context.Context, changes ...Change) error {
	objects, err := lesson.Objects(n.Name)
	if err != nil {
		return err
	}
	for _, object := range objects {
		for _, change := range append([]Change{Version(n.config.Postgres)}, changes...) {
			if err := change(object); err != nil {
				return fmt.Errorf("change the lesson's %s %s: %w", object.GetKind(), object.GetName(), err)
			}
		}
	}
	return n.Apply(ctx, objects...)
}

// Apply runs "kubectl apply" on the objects, in one call.
func (n *Namespace) Apply(ctx context.Context, objects ...*unstructured.Unstructured) error {
	manifests := &strings.Builder{}
	encoder := json.NewEncoder(manifests)
	for _, object := range objects {
		if err := encoder.Encode(object); err != nil {
			return fmt.Errorf("encode %s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
	_, err := n.Kubectl("apply", "--filename=-").Stdin(manifests.String()).Output(ctx)
	return err
}

// Rollout waits until the workload TYPE/NAME is rolled out.
func (n *Namespace) Rollout(ctx context.Context, workload string) error {
	_, err := n.Kubectl("rollout", "status", workload, "--timeout=180s").Output(ctx)
	return err
}
