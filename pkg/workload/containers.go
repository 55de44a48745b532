package workload

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// defaultContainerAnnotation on a template names the container that commands use by default.
const defaultContainerAnnotation = "kubectl.kubernetes.io/default-container"

// AllContainers means every container of a template, including init containers.
const AllContainers = "*"

// Containers returns the names of the containers that want selects, in the template's order. AllContainers selects all. An empty want
// selects the container that the default-container annotation names, or else the only container. An unknown name, and an empty want
// with several containers, are errors that list the containers. It never selects an owner container, which has a binding of its own.
func Containers(t *corev1.PodTemplateSpec, want []string, owners ...string) ([]string, error) {
	isOwner := func(name string) bool { return slices.Contains(owners, name) }
	all := slices.DeleteFunc(containerNames(t), isOwner)
	if slices.Contains(want, AllContainers) {
		return all, nil
	}
	if len(want) == 0 {
		name, err := defaultContainer(t, isOwner)
		if err != nil {
			return nil, err
		}
		want = []string{name}
	}
	for _, name := range want {
		if isOwner(name) {
			return nil, fmt.Errorf("container %q is an owner container, with a binding of its own: leave it out", name)
		}
		if !slices.Contains(all, name) {
			return nil, unknownContainer(t, name)
		}
	}
	return slices.DeleteFunc(all, func(name string) bool { return !slices.Contains(want, name) }), nil
}

// defaultContainer returns the container that an empty want selects.
func defaultContainer(t *corev1.PodTemplateSpec, isOwner func(string) bool) (string, error) {
	if name := t.Annotations[defaultContainerAnnotation]; name != "" && !isOwner(name) {
		return name, nil
	}
	others := slices.DeleteFunc(slices.Clone(t.Spec.Containers), func(c corev1.Container) bool { return isOwner(c.Name) })
	if len(others) == 1 {
		return others[0].Name, nil
	}
	return "", fmt.Errorf(
		"there are several containers: use -c NAME with one of %s, or -c '*' for all",
		strings.Join(containerNames(t), ", "),
	)
}

// unknownContainer returns the error for a container that the template does not have.
func unknownContainer(t *corev1.PodTemplateSpec, name string) error {
	return fmt.Errorf("container %q does not exist: use -c NAME with one of %s, or -c '*' for all",
		name, strings.Join(containerNames(t), ", "))
}

// containerNames returns the names, init containers first, in the order in which they start.
func containerNames(t *corev1.PodTemplateSpec) []string {
	var names []string
	for _, container := range containers(&t.Spec) {
		names = append(names, container.Name)
	}
	return names
}

// containers returns pointers into the spec, init containers first.
func containers(spec *corev1.PodSpec) []*corev1.Container {
	var found []*corev1.Container
	for i := range spec.InitContainers {
		found = append(found, &spec.InitContainers[i])
	}
	for i := range spec.Containers {
		found = append(found, &spec.Containers[i])
	}
	return found
}

// container returns a pointer to the container of that name, or an error that lists the containers.
func container(t *corev1.PodTemplateSpec, name string) (*corev1.Container, error) {
	for _, found := range containers(&t.Spec) {
		if found.Name == name {
			return found, nil
		}
	}
	return nil, unknownContainer(t, name)
}
