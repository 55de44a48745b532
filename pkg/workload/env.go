package workload

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// envFromForm writes one envFrom entry. It is the last one, because of equal names the last entry wins.
type envFromForm struct{}

func (envFromForm) add(r Reference, _ *corev1.PodTemplateSpec, c *corev1.Container) error {
	for _, key := range r.Keys {
		if i := envIndex(c, r.Prefix+key); i >= 0 {
			return envConflict(r, c, i)
		}
	}
	// Keep the position of an existing entry, so that a second run changes nothing.
	if i := slices.IndexFunc(c.EnvFrom, refersTo(r.Secret)); i >= 0 {
		c.EnvFrom[i].Prefix = r.Prefix
		return nil
	}
	c.EnvFrom = append(c.EnvFrom, corev1.EnvFromSource{
		Prefix:    r.Prefix,
		SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: r.Secret}},
	})
	return nil
}

func (envFromForm) present(r Reference, _ *corev1.PodTemplateSpec, c *corev1.Container) bool {
	i := slices.IndexFunc(c.EnvFrom, refersTo(r.Secret))
	shadowed := slices.ContainsFunc(r.Keys, func(key string) bool { return envIndex(c, r.Prefix+key) >= 0 })
	return i >= 0 && c.EnvFrom[i].Prefix == r.Prefix && !shadowed
}

func (envFromForm) remove(secret string, _ *corev1.PodTemplateSpec, c *corev1.Container) bool {
	before := len(c.EnvFrom)
	c.EnvFrom = slices.DeleteFunc(c.EnvFrom, refersTo(secret))
	return len(c.EnvFrom) < before
}

// envForm writes one env entry for each key.
type envForm struct{}

func (envForm) add(r Reference, _ *corev1.PodTemplateSpec, c *corev1.Container) error {
	if r.Adopt {
		// The Secret has lost a key if another preset replaces the one before.
		c.Env = slices.DeleteFunc(c.Env, func(e corev1.EnvVar) bool {
			ref := secretKey(e, r.Secret)
			return ref != nil && e.Name == r.Prefix+ref.Key && !slices.Contains(r.Keys, ref.Key)
		})
	}
	var missing []corev1.EnvVar
	for _, key := range r.Keys {
		switch i := envIndex(c, r.Prefix+key); {
		case i < 0:
			missing = append(missing, envVar(r, key))
		case r.Replace && !envRefersTo(c.Env[i], r.Secret, key):
			c.Env[i] = envVar(r, key)
		case !r.Replace && (!r.Adopt || !envRefersTo(c.Env[i], r.Secret, key)):
			return envConflict(r, c, i)
		}
	}
	if r.Replace {
		c.Env = append(missing, c.Env...)
	} else {
		c.Env = append(c.Env, missing...)
	}
	return nil
}

func (envForm) present(r Reference, _ *corev1.PodTemplateSpec, c *corev1.Container) bool {
	return !slices.ContainsFunc(r.Keys, func(key string) bool {
		i := envIndex(c, r.Prefix+key)
		return i < 0 || !envRefersTo(c.Env[i], r.Secret, key)
	})
}

// remove keeps variables whose name is not a prefix followed by the key, because add does not write such names.
func (envForm) remove(secret string, _ *corev1.PodTemplateSpec, c *corev1.Container) bool {
	before := len(c.Env)
	c.Env = slices.DeleteFunc(c.Env, func(e corev1.EnvVar) bool {
		ref := secretKey(e, secret)
		return ref != nil && strings.HasSuffix(e.Name, ref.Key)
	})
	return len(c.Env) < before
}

// envVar returns the variable for one key.
func envVar(r Reference, key string) corev1.EnvVar {
	return corev1.EnvVar{Name: r.Prefix + key, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: r.Secret}, Key: key,
	}}}
}

// envConflict returns the error for the container's variable at index i.
func envConflict(r Reference, c *corev1.Container, i int) error {
	name := c.Env[i].Name
	return &ConflictError{Container: c.Name, Variable: name, Equal: envRefersTo(c.Env[i], r.Secret, strings.TrimPrefix(name, r.Prefix))}
}

// envIndex returns the index of the container's variable of that name, or -1.
func envIndex(c *corev1.Container, name string) int {
	return slices.IndexFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == name })
}

// secretKey returns the variable's reference to the Secret, or nil if it has none.
func secretKey(e corev1.EnvVar, secret string) *corev1.SecretKeySelector {
	if e.ValueFrom == nil || e.ValueFrom.SecretKeyRef == nil || e.ValueFrom.SecretKeyRef.Name != secret {
		return nil
	}
	return e.ValueFrom.SecretKeyRef
}

// envRefersTo reports whether the variable refers to that key of that Secret.
func envRefersTo(e corev1.EnvVar, secret, key string) bool {
	ref := secretKey(e, secret)
	return ref != nil && ref.Key == key
}

// refersTo returns a function that matches envFrom entries for the Secret.
func refersTo(secret string) func(corev1.EnvFromSource) bool {
	return func(e corev1.EnvFromSource) bool { return e.SecretRef != nil && e.SecretRef.Name == secret }
}
