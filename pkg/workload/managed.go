package workload

import (
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// ManagedBy returns the tool whose manifest sets envFrom of one of the containers. When that tool applies its manifest again, it removes
// our entry. A manifest without envFrom does no harm. Only InjectEnvFrom needs this check: env and volumes are merged by entry.
func ManagedBy(w *Workload, containers []string) (manager string, ok bool) {
	for _, entry := range w.object.GetManagedFields() {
		if appliesManifests(entry) && ownsEnvFrom(w, entry, containers) {
			return entry.Manager, true
		}
	}
	if lastAppliedHasEnvFrom(w, containers) {
		return "kubectl apply", true
	}
	return "", false
}

// appliesManifests reports whether the entry belongs to a tool that applies the same manifest again: one that uses server-side apply,
// or one of the known tools that use other writes.
func appliesManifests(entry metav1.ManagedFieldsEntry) bool {
	return entry.Operation == metav1.ManagedFieldsOperationApply || slices.Contains([]string{
		"argocd-controller", "argocd-application-controller", "kustomize-controller", "helm-controller", "helm",
		"kubectl-client-side-apply", "Terraform", "pulumi-kubernetes",
	}, entry.Manager)
}

// ownsEnvFrom reports whether the entry's fields include envFrom of one of the containers.
func ownsEnvFrom(w *Workload, entry metav1.ManagedFieldsEntry, containers []string) bool {
	if entry.FieldsV1 == nil {
		return false
	}
	var owned map[string]any
	if err := json.Unmarshal(entry.FieldsV1.GetRawBytes(), &owned); err != nil {
		return false
	}
	var spec []string
	for _, name := range w.kind.specPath {
		spec = append(spec, "f:"+name)
	}
	for _, list := range []string{"f:containers", "f:initContainers"} {
		for _, name := range containers {
			path := append(slices.Clone(spec), list, fmt.Sprintf(`k:{"name":%q}`, name), "f:envFrom")
			if _, found, _ := unstructured.NestedFieldNoCopy(owned, path...); found {
				return true
			}
		}
	}
	return false
}

// lastAppliedHasEnvFrom reports whether the manifest in the annotation of kubectl apply sets envFrom of one of the containers.
func lastAppliedHasEnvFrom(w *Workload, containers []string) bool {
	obj := w.kind.new()
	if err := json.Unmarshal([]byte(w.Annotations()[corev1.LastAppliedConfigAnnotation]), obj); err != nil {
		return false
	}
	template := podTemplate(obj)
	return template != nil && slices.ContainsFunc(containers, func(name string) bool {
		c, err := container(template, name)
		return err == nil && len(c.EnvFrom) > 0
	})
}
