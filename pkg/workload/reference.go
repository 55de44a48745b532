package workload

import (
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
)

// Inject is the way in which the Pods use a Secret.
type Inject string

const (
	// InjectEnvFrom adds one envFrom entry, which makes every key of the Secret an environment variable.
	InjectEnvFrom Inject = "envFrom"
	// InjectEnv adds one environment variable for each named key.
	InjectEnv Inject = "env"
	// InjectVolume mounts the Secret as a directory. Its files follow changes of the Secret without new Pods.
	InjectVolume Inject = "volume"
	// InjectNone does not change the template.
	InjectNone Inject = "none"
)

// Reference describes how the containers of a pod template use a Secret.
type Reference struct {
	Secret string
	Inject Inject
	// Containers are names that Containers returned.
	Containers []string
	// Keys are the Secret's keys. Each becomes an environment variable, named Prefix followed by the key.
	Keys   []string
	Prefix string
	// MountPath is the directory in which InjectVolume mounts the Secret.
	MountPath string
	// ServiceBinding mounts the Secret in the directory of service bindings if MountPath is empty. It is $SERVICE_BINDING_ROOT/SECRET, or
	// /bindings/SECRET in a container that does not have the variable, which is then added.
	ServiceBinding bool
	// Adopt takes over existing references to the Secret: equal variables of InjectEnv, and other forms, which are replaced. Also set it if
	// the workload's annotation names this binding, because the references are then its own.
	Adopt bool
	// Replace lets InjectEnv replace variables of the same names where they are. Others come first, so that literals can refer to them.
	Replace bool
}

// form is one way to write a reference in a container.
type form interface {
	add(r Reference, t *corev1.PodTemplateSpec, c *corev1.Container) error
	present(r Reference, t *corev1.PodTemplateSpec, c *corev1.Container) bool
	remove(secret string, t *corev1.PodTemplateSpec, c *corev1.Container) bool
}

// forms returns the ways to write a reference.
func forms() map[Inject]form {
	return map[Inject]form{InjectEnvFrom: envFromForm{}, InjectEnv: envForm{}, InjectVolume: volumeForm{}}
}

// Add adds the reference to the containers, and changes nothing if it already exists. It returns a ConflictError if a container has
// something else in its place, and other errors for an invalid container, way to inject or mount path. After an error the template can
// be partly changed; discard it.
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

// Entry returns the envFrom entry, in YAML, for a manifest whose pod template is not known.
func (r Reference) Entry() string {
	prefix := ""
	if r.Prefix != "" {
		prefix = fmt.Sprintf("  prefix: %q\n", r.Prefix)
	}
	return fmt.Sprintf("envFrom:\n- secretRef:\n    name: %s\n%s", r.Secret, prefix)
}

// Present reports whether Add has nothing to add: every container of the reference has it, and gets the Secret's values.
func (r Reference) Present(t *corev1.PodTemplateSpec) bool {
	present := true
	err := r.each(t, func(f form, c *corev1.Container) error {
		present = present && f.present(r, t, c)
		return nil
	})
	return present && err == nil
}

// each calls do for every container of the reference, with its form. InjectNone has no containers.
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

// Set adds the reference and removes every other one that Add could have added to other containers or in other forms. If nothing differs
// it changes nothing. Its errors are those of Add.
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

// RemoveReference removes every reference to the Secret that Add could have added, in all containers and forms and with all prefixes, and
// reports whether there was one. Other references stay, such as variables with other names and other volumes: see UsesSecret.
func RemoveReference(t *corev1.PodTemplateSpec, secret string) (changed bool) {
	for _, c := range containers(&t.Spec) {
		for _, f := range forms() {
			changed = f.remove(secret, t, c) || changed
		}
	}
	return changed
}

// ConflictError reports that a container already has something in the place of the reference.
type ConflictError struct {
	Container string
	// Variable is the environment variable, empty if the mount path is in use.
	Variable string
	// MountPath is the directory, empty if the variable exists.
	MountPath string
	// Equal reports whether the variable already refers to the same key of the same Secret.
	Equal bool
}

// Error names the conflict and the alternatives.
func (e *ConflictError) Error() string {
	switch {
	case e.MountPath != "":
		return fmt.Sprintf(
			"container %s already mounts something at %s: remove it, or choose another --mount-path", e.Container,
			e.MountPath,
		)
	case e.Equal:
		return fmt.Sprintf("container %s already sets %s in env from the same key of the same Secret: "+
			"use --adopt to take it over, or remove it", e.Container, e.Variable)
	default:
		return fmt.Sprintf("container %s already sets %s in env, which wins over the Secret: "+
			"remove it, or choose other names with --env-prefix", e.Container, e.Variable)
	}
}
