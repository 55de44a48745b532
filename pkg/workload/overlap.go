package workload

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Overlap is another envFrom entry of a container that may set the same variables. The keys of its source are not read.
type Overlap struct {
	Container string
	// Source is "secret/NAME" or "configmap/NAME".
	Source string
	// Wins reports whether the other entry comes after ours, so that the container gets its values.
	Wins bool
}

// String returns the warning for the user.
func (o Overlap) String() string {
	winner := "the binding's Secret wins"
	if o.Wins {
		winner = o.Source + " wins because it comes later"
	}
	return fmt.Sprintf("container %s also has envFrom %s: if both set a variable, %s", o.Container, o.Source, winner)
}

// Overlaps returns the other envFrom entries in the containers of the reference that may set its variables. Call it after Add.
func (r Reference) Overlaps(t *corev1.PodTemplateSpec) []Overlap {
	if r.Inject != InjectEnvFrom && r.Inject != InjectEnv {
		return nil
	}
	var overlaps []Overlap
	for _, c := range containers(&t.Spec) {
		if !slices.Contains(r.Containers, c.Name) {
			continue
		}
		ours := slices.IndexFunc(c.EnvFrom, refersTo(r.Secret))
		for i, e := range c.EnvFrom {
			if i != ours && r.mayShare(e) {
				overlaps = append(overlaps, Overlap{Container: c.Name, Source: sourceName(e), Wins: ours >= 0 && i > ours})
			}
		}
	}
	return overlaps
}

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

// mayShare reports whether a key of the other source can become one of the reference's variables.
func (r Reference) mayShare(e corev1.EnvFromSource) bool {
	return slices.ContainsFunc(r.Keys, func(key string) bool { return strings.HasPrefix(r.Prefix+key, e.Prefix) })
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
