package workload

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Hidden is a variable of the Secret that a container does not get, because something else in the container sets it.
type Hidden struct {
	Container, Variable string
	// By is "env", "secret/NAME" or "configmap/NAME".
	By string
}

// String returns the message for the user.
func (h Hidden) String() string {
	return fmt.Sprintf("container %s gets %s from %s and not from the Secret", h.Container, h.Variable, h.By)
}

// HiddenVariables returns the variables of the Secret with these keys that the containers do not get. others holds the keys of other
// sources by their names in the form of Hidden.By; a source that is not in it hides nothing. See LaterSources.
func HiddenVariables(t *corev1.PodTemplateSpec, secret string, keys []string, others map[string][]string) []Hidden {
	var hidden []Hidden
	for _, c := range containers(&t.Spec) {
		for _, name := range variables(c, secret, keys) {
			if by := winner(c, name, secret, others); by != "" {
				hidden = append(hidden, Hidden{Container: c.Name, Variable: name, By: by})
			}
		}
	}
	return hidden
}

// Hidden returns the HiddenVariables of the workload. It reads the LaterSources; one that cannot be read hides nothing.
func (c *Client) Hidden(ctx context.Context, w *Workload, secret string, keys []string) []Hidden {
	others := map[string][]string{}
	for _, source := range LaterSources(w.template, secret) {
		kind, name, _ := strings.Cut(source, "/")
		switch kind {
		case "secret":
			if found, err := c.typed.CoreV1().Secrets(w.Namespace()).Get(ctx, name, metav1.GetOptions{}); err == nil {
				others[source] = slices.Sorted(maps.Keys(found.Data))
			}
		case "configmap":
			if found, err := c.typed.CoreV1().ConfigMaps(w.Namespace()).Get(ctx, name, metav1.GetOptions{}); err == nil {
				others[source] = slices.Sorted(maps.Keys(found.Data))
			}
		}
	}
	return HiddenVariables(w.template, secret, keys, others)
}

// LaterSources returns the other envFrom entries that come after one of the Secret, as "secret/NAME" or "configmap/NAME". Because the last
// entry wins, they hide variables of the same names.
func LaterSources(t *corev1.PodTemplateSpec, secret string) []string {
	var later []string
	for _, c := range containers(&t.Spec) {
		for _, e := range c.EnvFrom[slices.IndexFunc(c.EnvFrom, refersTo(secret))+1:] {
			if name := sourceName(e); slices.ContainsFunc(c.EnvFrom, refersTo(secret)) && !slices.Contains(later, name) {
				later = append(later, name)
			}
		}
	}
	return later
}

// winner returns what sets the variable of the container, or "" if it is the Secret or nothing. An entry in env wins over envFrom, and the
// last of several entries wins.
func winner(c *corev1.Container, variable, secret string, others map[string][]string) string {
	for _, e := range slices.Backward(c.Env) {
		if e.Name == variable && secretKey(e, secret) != nil {
			return ""
		}
		if e.Name == variable {
			return "env"
		}
	}
	for _, e := range slices.Backward(c.EnvFrom) {
		if refersTo(secret)(e) {
			return ""
		}
		if slices.ContainsFunc(others[sourceName(e)], func(key string) bool { return e.Prefix+key == variable }) {
			return sourceName(e)
		}
	}
	return ""
}
