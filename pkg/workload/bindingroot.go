package workload

import (
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// The directory of service bindings, and the variable that names it, are those of servicebinding.io.
const (
	rootVariable = "SERVICE_BINDING_ROOT"
	usualRoot    = "/bindings"
)

// rootAnnotation on a pod template names the containers whose rootVariable was added with a mount. The removal of the
// last mount removes it.
const rootAnnotation = "pgbind.dev/service-binding-root"

// mountPath returns the directory in which the container mounts the Secret: MountPath, or else a directory of service bindings.
func (r Reference) mountPath(c *corev1.Container) (string, error) {
	if r.MountPath != "" || !r.ServiceBinding {
		return r.MountPath, nil
	}
	i := envIndex(c, rootVariable)
	switch {
	case i < 0:
		return path.Join(usualRoot, r.Secret), nil
	case c.Env[i].ValueFrom != nil || c.Env[i].Value == "":
		return "", fmt.Errorf("container %s does not set %s to a text: name the directory with --mount-path", c.Name, rootVariable)
	}
	return path.Join(c.Env[i].Value, r.Secret), nil
}

// addRoot adds the variable to a container that does not have it.
func (r Reference) addRoot(t *corev1.PodTemplateSpec, c *corev1.Container) {
	if r.MountPath != "" || !r.ServiceBinding || envIndex(c, rootVariable) >= 0 {
		return
	}
	c.Env = append(c.Env, corev1.EnvVar{Name: rootVariable, Value: usualRoot})
	noteRoots(t, append(notedRoots(t), c.Name))
}

// removeRoot removes the variable that addRoot added, if the container mounts nothing in its directory any more.
func removeRoot(t *corev1.PodTemplateSpec, c *corev1.Container) {
	noted := notedRoots(t)
	below := func(m corev1.VolumeMount) bool { return strings.HasPrefix(path.Clean(m.MountPath), usualRoot+"/") }
	if !slices.Contains(noted, c.Name) || slices.ContainsFunc(c.VolumeMounts, below) {
		return
	}
	c.Env = slices.DeleteFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == rootVariable && e.Value == usualRoot })
	noteRoots(t, slices.DeleteFunc(noted, func(name string) bool { return name == c.Name }))
}

func notedRoots(t *corev1.PodTemplateSpec) []string {
	return strings.FieldsFunc(t.Annotations[rootAnnotation], func(r rune) bool { return r == ',' })
}

func noteRoots(t *corev1.PodTemplateSpec, names []string) {
	if len(names) == 0 {
		delete(t.Annotations, rootAnnotation)
		return
	}
	if t.Annotations == nil {
		t.Annotations = map[string]string{}
	}
	slices.Sort(names)
	t.Annotations[rootAnnotation] = strings.Join(slices.Compact(names), ",")
}
