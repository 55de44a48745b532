package workload

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// UsesSecret says whether Pods with that spec need the Secret in any way: by a variable, envFrom or a volume, whoever wrote it.
func UsesSecret(spec *corev1.PodSpec, secret string) bool {
	return slices.ContainsFunc(spec.Volumes, showsSecret(secret)) ||
		slices.ContainsFunc(containers(spec), func(c *corev1.Container) bool {
			return slices.ContainsFunc(c.EnvFrom, refersTo(secret)) ||
				slices.ContainsFunc(c.Env, func(e corev1.EnvVar) bool { return secretKey(e, secret) != nil })
		})
}

// showsSecret matches volumes that hold the Secret, alone or among others.
func showsSecret(secret string) func(corev1.Volume) bool {
	return func(v corev1.Volume) bool {
		if v.Secret != nil && v.Secret.SecretName == secret {
			return true
		}
		return v.Projected != nil && slices.ContainsFunc(v.Projected.Sources, func(p corev1.VolumeProjection) bool {
			return p.Secret != nil && p.Secret.Name == secret
		})
	}
}
