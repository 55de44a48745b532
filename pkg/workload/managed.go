package workload

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// kubectlApply is the tool that keeps its manifest in an annotation.
const kubectlApply = "kubectl apply"

// ManagedBy returns the tool whose manifest sets envFrom of one of the containers. When that tool applies its manifest again, it removes
// an entry that the manifest does not have. A manifest without envFrom does no harm, an empty envFrom does. Only InjectEnvFrom needs this
// check: env and volumes are merged by entry. Helm 3 leaves no trace of an empty envFrom on the object, so that this cannot find it.
func ManagedBy(w *Workload, containers []string) (manager string, ok bool) {
	for _, entry := range w.object.GetManagedFields() {
		if !appliesManifests(entry) {
			continue
		}
		for _, name := range containers {
			if w.owns(entry, w.containerPaths(name, "f:envFrom")) {
				return entry.Manager, true
			}
		}
	}
	for _, name := range containers {
		if _, set := w.lastApplied().container(name)["envFrom"]; set {
			return kubectlApply, true
		}
	}
	return "", false
}

// RemovedBy returns the tool that will remove the reference to the Secret the next time that it applies its manifest: kubectl apply, if the
// manifest sets envFrom without the Secret, or Flux, which removes what a manager wrote whose name begins with kubectl.
func RemovedBy(w *Workload, secret string) (tool string, ok bool) {
	for _, c := range containers(&w.template.Spec) {
		if !slices.ContainsFunc(c.EnvFrom, refersTo(secret)) {
			continue
		}
		applied := w.lastApplied().container(c.Name)
		if _, set := applied["envFrom"]; set && !slices.ContainsFunc(decodeContainer(applied).EnvFrom, refersTo(secret)) {
			return kubectlApply, true
		}
	}
	if !w.appliedByFlux() {
		return "", false
	}
	for _, entry := range w.object.GetManagedFields() {
		if entry.Operation == metav1.ManagedFieldsOperationUpdate && fluxDisowns(entry.Manager) && w.owns(entry, w.referencePaths(secret)) {
			return "Flux", true
		}
	}
	return "", false
}

// RestoredBy returns the tool whose manifest has the reference to the Secret, and which restores the reference after it was removed.
func RestoredBy(w *Workload, secret string) (tool string, ok bool) {
	for _, entry := range w.object.GetManagedFields() {
		if appliesManifests(entry) && w.owns(entry, w.referencePaths(secret)) {
			return entry.Manager, true
		}
	}
	if spec := w.lastApplied().podSpec(); spec != nil && UsesSecret(spec, secret) {
		return kubectlApply, true
	}
	return "", false
}

// CheckFieldManager returns an error if a tool that manages the workload removes what the field manager writes.
func CheckFieldManager(w *Workload, manager string) error {
	if !fluxDisowns(manager) || !w.appliedByFlux() {
		return nil
	}
	return fmt.Errorf("flux manages %s and removes what the field manager %q writes, because the name begins with kubectl: "+
		"leave out --field-manager or use another name", w, manager)
}

// fluxDisowns reports whether Flux removes what the manager wrote. These are the defaults of its kustomize-controller.
func fluxDisowns(manager string) bool {
	return strings.HasPrefix(manager, "kubectl") || strings.HasPrefix(manager, "before-first-apply")
}

// appliedByFlux reports whether Flux applies the workload.
func (w *Workload) appliedByFlux() bool {
	return w.object.GetLabels()["kustomize.toolkit.fluxcd.io/name"] != "" ||
		slices.ContainsFunc(
			w.object.GetManagedFields(),
			func(e metav1.ManagedFieldsEntry) bool { return e.Manager == "kustomize-controller" },
		)
}

// appliesManifests reports whether the entry belongs to a tool that applies the same manifest again: one that uses server-side apply,
// or one of the known tools that use other writes.
func appliesManifests(entry metav1.ManagedFieldsEntry) bool {
	return entry.Operation == metav1.ManagedFieldsOperationApply || slices.Contains([]string{
		"argocd-controller", "argocd-application-controller", "kustomize-controller", "helm-controller", "helm",
		"kubectl-client-side-apply", "Terraform", "pulumi-kubernetes",
	}, entry.Manager)
}

// owns reports whether the entry's fields include one of the paths.
func (w *Workload) owns(entry metav1.ManagedFieldsEntry, paths [][]string) bool {
	if entry.FieldsV1 == nil {
		return false
	}
	var owned map[string]any
	if err := json.Unmarshal(entry.FieldsV1.GetRawBytes(), &owned); err != nil {
		return false
	}
	return slices.ContainsFunc(paths, func(path []string) bool {
		_, found, _ := unstructured.NestedFieldNoCopy(owned, path...)
		return found
	})
}

// containerPaths returns the paths of a field of the container in an entry of the managed fields; one of them is right.
func (w *Workload) containerPaths(container string, field ...string) [][]string {
	var paths [][]string
	for _, list := range []string{"f:containers", "f:initContainers"} {
		paths = append(paths, append(w.managedPath(list, byName(container)), field...))
	}
	return paths
}

// referencePaths returns the paths of every use of the Secret.
func (w *Workload) referencePaths(secret string) [][]string {
	var paths [][]string
	for u := range uses(&w.template.Spec, secret) {
		switch {
		case u.form == InjectEnvFrom:
			paths = append(paths, w.containerPaths(u.container, "f:envFrom")...)
		case u.form == InjectEnv:
			// The entry itself can be in a manifest with another value, which the binding replaces.
			paths = append(paths, w.containerPaths(u.container, "f:env", byName(u.name), "f:valueFrom", "f:secretKeyRef")...)
		case u.container == "":
			paths = append(paths, w.managedPath("f:volumes", byName(u.name)))
		}
	}
	return paths
}

// managedPath returns a path below the spec of the Pods.
func (w *Workload) managedPath(path ...string) []string {
	var full []string
	for _, name := range w.kind.specPath() {
		full = append(full, "f:"+name)
	}
	return append(full, path...)
}

// byName returns the key of a list entry that is identified by its name.
func byName(name string) string { return fmt.Sprintf(`k:{"name":%q}`, name) }

// appliedSpec is the spec of the Pods in a manifest; nil if the manifest has none.
type appliedSpec map[string]any

// lastApplied returns the spec of the Pods in the manifest that kubectl apply keeps in an annotation.
func (w *Workload) lastApplied() appliedSpec {
	var manifest map[string]any
	if err := json.Unmarshal([]byte(w.Annotations()[corev1.LastAppliedConfigAnnotation]), &manifest); err != nil {
		return nil
	}
	spec, _, _ := unstructured.NestedFieldNoCopy(manifest, w.kind.specPath()...)
	found, _ := spec.(map[string]any)
	return found
}

// container returns the container of that name as the manifest has it, so that an empty list differs from none; nil if there is none.
func (s appliedSpec) container(name string) map[string]any {
	for _, list := range []string{"containers", "initContainers"} {
		entries, _ := s[list].([]any)
		for _, entry := range entries {
			if c, ok := entry.(map[string]any); ok && c["name"] == name {
				return c
			}
		}
	}
	return nil
}

// podSpec decodes the spec.
func (s appliedSpec) podSpec() *corev1.PodSpec {
	spec := &corev1.PodSpec{}
	if s == nil || convert(s, spec) != nil {
		return nil
	}
	return spec
}

// decodeContainer decodes a container; what cannot be decoded is empty.
func decodeContainer(from map[string]any) *corev1.Container {
	c := &corev1.Container{}
	if convert(from, c) != nil {
		return &corev1.Container{}
	}
	return c
}

// convert converts between two forms of the same JSON.
func convert(from, to any) error {
	text, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, to)
}
