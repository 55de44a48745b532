package workload

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// Hides reports whether a variable of the reference has the same name as a variable that the other Secret, with these keys, sets in the
// same container.
func (r Reference) Hides(t *corev1.PodTemplateSpec, other string, keys []string) bool {
	if r.Inject != InjectEnvFrom && r.Inject != InjectEnv {
		return false
	}
	return slices.ContainsFunc(containers(&t.Spec), func(c *corev1.Container) bool {
		return slices.Contains(r.Containers, c.Name) && slices.ContainsFunc(variables(c, other, keys), r.sets)
	})
}

// sets reports whether the reference sets the variable.
func (r Reference) sets(name string) bool {
	return slices.ContainsFunc(r.Keys, func(key string) bool { return r.Prefix+key == name })
}

// variables returns the variables that the container gets from the Secret with these keys.
func variables(c *corev1.Container, secret string, keys []string) []string {
	var names []string
	for _, e := range c.EnvFrom {
		for _, key := range keys {
			if refersTo(secret)(e) {
				names = append(names, e.Prefix+key)
			}
		}
	}
	for _, e := range c.Env {
		if secretKey(e, secret) != nil {
			names = append(names, e.Name)
		}
	}
	return names
}

// sourceName returns the name of the object that an envFrom entry refers to.
func sourceName(e corev1.EnvFromSource) string {
	if e.SecretRef != nil {
		return "secret/" + e.SecretRef.Name
	}
	if e.ConfigMapRef != nil {
		return "configmap/" + e.ConfigMapRef.Name
	}
	return "an unknown source"
}
