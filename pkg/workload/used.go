package workload

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// UsedSecrets returns how the named containers use Secrets, for each Secret. Inject is empty if no bind writes such a use.
func UsedSecrets(t *corev1.PodTemplateSpec, names []string) map[string]Reference {
	used := map[string]Reference{}
	for _, c := range containers(&t.Spec) {
		if !slices.Contains(names, c.Name) {
			continue
		}
		for _, m := range c.VolumeMounts {
			for _, v := range t.Spec.Volumes {
				if v.Name == m.Name && v.Secret != nil {
					used[v.Secret.SecretName] = Reference{Secret: v.Secret.SecretName}
				}
			}
		}
		for _, e := range c.Env {
			if e.ValueFrom == nil || e.ValueFrom.SecretKeyRef == nil {
				continue
			}
			ref := e.ValueFrom.SecretKeyRef
			prefix, _ := strings.CutSuffix(e.Name, ref.Key)
			if prefix == e.Name { // another name than the key
				prefix = ""
			}
			used[ref.Name] = Reference{Secret: ref.Name, Inject: InjectEnv, Prefix: prefix}
		}
		for _, e := range c.EnvFrom {
			if e.SecretRef != nil {
				used[e.SecretRef.Name] = Reference{Secret: e.SecretRef.Name, Inject: InjectEnvFrom, Prefix: e.Prefix}
			}
		}
	}
	return used
}
