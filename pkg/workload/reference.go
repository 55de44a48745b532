package workload

import (
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
)

// Inject is the way in which the Pods get the values of a Secret.
type Inject string

const (
	// InjectEnvFrom makes every key of the Secret an environment variable by one entry.
	InjectEnvFrom Inject = "envFrom"
	// InjectEnv makes one environment variable for each key that is named.
	InjectEnv Inject = "env"
	// InjectVolume mounts the Secret as a folder of files, which follow the Secret without new Pods.
	InjectVolume Inject = "volume"
	// InjectNone leaves the template alone.
	InjectNone Inject = "none"
)

// Reference is what a pod template says to give a Secret to its containers.
type Reference struct {
	Secret string
	Inject Inject
	// Containers are the names that Containers returned.
	Containers []string
	// Keys are the Secret's keys: each becomes an environment variable, named Prefix and key.
	Keys   []string
	Prefix string
	// MountPath is the folder in which InjectVolume shows the Secret.
	MountPath string
	// Adopt takes over what already refers to the Secret: equal variables of InjectEnv, and other forms, which give way. Set it too where
	// the workload carries the mark of this binding, since the references are its own then.
	Adopt bool
}

// form is one way to write a reference into one container.
type form interface {
	add(r Reference, t *corev1.PodTemplateSpec, c *corev1.Container) error
	present(r Reference, t *corev1.PodTemplateSpec, c *corev1.Container) bool
	remove(secret string, t *corev1.PodTemplateSpec, c *corev1.Container) bool
}

// forms lists the ways to write a reference.
func forms() map[Inject]form {
	return map[Inject]form{InjectEnvFrom: envFromForm{}, InjectEnv: envForm{}, InjectVolume: volumeForm{}}
}

// Add writes the reference into the containers, and changes nothing where it is there already. Errors are a ConflictError where the
// container already has something else at that place, or about an argument (unknown container, way to inject or mount path); the
// template may then be changed in part and is to be thrown away.
func (r Reference) Add(t *corev1.PodTemplateSpec) error {
	return r.each(t, func(f form, c *corev1.Container) error {
		for inject, other := range forms() {
			if r.Adopt && inject != r.Inject {
				other.remove(r.Secret, t, c)
			}
		}
		return f.add(r, t, c)
	})
}

// Present says whether Add has nothing to add: every container that the reference names has it, and sees the Secret's values.
func (r Reference) Present(t *corev1.PodTemplateSpec) bool {
	present := true
	err := r.each(t, func(f form, c *corev1.Container) error {
		present = present && f.present(r, t, c)
		return nil
	})
	return present && err == nil
}

// each calls do with every container that the reference names, in its form; InjectNone has none.
func (r Reference) each(t *corev1.PodTemplateSpec, do func(form, *corev1.Container) error) error {
	if r.Inject == InjectNone {
		return nil
	}
	f, ok := forms()[r.Inject]
	if !ok {
		return fmt.Errorf("unknown way to inject %q: use envFrom, env, volume or none", r.Inject)
	}
	for _, name := range r.Containers {
		c, err := container(t, name)
		if err != nil {
			return err
		}
		if err := do(f, c); err != nil {
			return err
		}
	}
	return nil
}

// Set makes the reference the only one to the Secret: what Add would have made in other containers, and in other forms, gives way. Where
// that is so already it changes nothing. Errors are those of Add.
func (r Reference) Set(t *corev1.PodTemplateSpec) error {
	alone := t.DeepCopy()
	RemoveReference(alone, r.Secret)
	if err := r.Add(alone); err != nil {
		return err
	}
	wanted, present := uses(&alone.Spec, r.Secret), uses(&t.Spec, r.Secret)
	if !maps.Equal(wanted, present) {
		t.Spec = alone.Spec
	}
	return nil
}

// RemoveReference takes every reference to the Secret that Add would have made out of the template, whatever the container, form and
// prefix, and says whether there was one. What others wrote (a variable of another name, a volume of their own) stays: see UsesSecret.
func RemoveReference(t *corev1.PodTemplateSpec, secret string) (changed bool) {
	for _, c := range containers(&t.Spec) {
		for _, f := range forms() {
			changed = f.remove(secret, t, c) || changed
		}
	}
	return changed
}

// ConflictError says that a container already has something at the place of the reference.
type ConflictError struct {
	Container string
	// Variable is the environment variable, empty when the mount path is taken.
	Variable string
	// MountPath is the folder, empty when a variable is taken.
	MountPath string
	// Equal says that the variable already refers to the same key of the same Secret.
	Equal bool
}

// Error names what is taken and the ways out.
func (e *ConflictError) Error() string {
	switch {
	case e.MountPath != "":
		return fmt.Sprintf("container %s already mounts something at %s: remove that, or choose another --mount-path", e.Container, e.MountPath)
	case e.Equal:
		return fmt.Sprintf("container %s already sets %s in env from the same key of the same Secret: use --adopt to take it over, or remove it", e.Container, e.Variable)
	default:
		return fmt.Sprintf("container %s already sets %s in env, which wins over the Secret: remove it, or choose other names with --env-prefix", e.Container, e.Variable)
	}
}
