package workload

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/keys"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

// Variables returns the variables of a container, with the data of the ConfigMaps and Secrets that they refer to,
// except for the Secret own, which is left out with its variables. An object that does not exist or that the user may
// not read is missing in the result, and the second result says why for each that the user may not read.
func (c *Client) Variables(ctx context.Context, w *Workload, name, own string) (read keys.Container, unread error, err error) {
	template := w.template.DeepCopy()
	RemoveReference(template, own)
	found, err := container(template, name)
	if err != nil {
		return keys.Container{}, nil, err
	}
	read = keys.Container{
		Env: found.Env, EnvFrom: found.EnvFrom, ConfigMaps: map[string]map[string]string{}, Secrets: map[string]map[string][]byte{},
	}
	var forbidden []error
	configMaps, secrets := sources(found)
	for _, object := range configMaps {
		data, err := c.typed.CoreV1().ConfigMaps(w.Namespace()).Get(ctx, object, metav1.GetOptions{})
		switch {
		case err == nil:
			read.ConfigMaps[object] = orEmpty(data.Data)
		case apierrors.IsForbidden(err):
			forbidden = append(forbidden, err)
		case !apierrors.IsNotFound(err):
			return keys.Container{}, nil, fmt.Errorf("read configmap/%s in namespace %s: %w", object, w.Namespace(), err)
		}
	}
	for _, object := range secrets {
		data, err := c.typed.CoreV1().Secrets(w.Namespace()).Get(ctx, object, metav1.GetOptions{})
		switch {
		case err == nil:
			read.Secrets[object] = orEmpty(data.Data)
		case apierrors.IsForbidden(err):
			forbidden = append(forbidden, err)
		case !apierrors.IsNotFound(err):
			return keys.Container{}, nil, fmt.Errorf("read secret/%s in namespace %s: %w", object, w.Namespace(), err)
		}
	}
	return read, errors.Join(forbidden...), nil
}

// orEmpty returns the data of an object that exists.
func orEmpty[V any](data map[string]V) map[string]V {
	if data == nil {
		return map[string]V{}
	}
	return data
}

// sources returns the names of the objects to which the variables of a container refer.
func sources(c *corev1.Container) (configMaps, secrets []string) {
	for _, from := range c.EnvFrom {
		if ref := from.ConfigMapRef; ref != nil {
			configMaps = append(configMaps, ref.Name)
		}
		if ref := from.SecretRef; ref != nil {
			secrets = append(secrets, ref.Name)
		}
	}
	for _, e := range c.Env {
		if e.ValueFrom == nil {
			continue
		}
		if ref := e.ValueFrom.ConfigMapKeyRef; ref != nil {
			configMaps = append(configMaps, ref.Name)
		}
		if ref := e.ValueFrom.SecretKeyRef; ref != nil {
			secrets = append(secrets, ref.Name)
		}
	}
	slices.Sort(configMaps)
	slices.Sort(secrets)
	return slices.Compact(configMaps), slices.Compact(secrets)
}

// Replaced returns the entries of env that Add would replace, as they are, and those that it would add. Entries that refer to the Secret
// already are not among them. A variable that env has twice is an error.
func (r Reference) Replaced(t *corev1.PodTemplateSpec) ([]secret.FormerVariable, error) {
	var replaced []secret.FormerVariable
	for _, name := range r.Containers {
		c, err := container(t, name)
		if err != nil {
			return nil, err
		}
		for _, key := range r.Keys {
			former := secret.FormerVariable{Container: name, Name: key}
			for _, e := range c.Env {
				if e.Name == key && former.Entry != nil {
					return nil, fmt.Errorf("container %s sets %s twice in env: remove one of the entries", name, key)
				}
				if e.Name == key {
					former.Entry = e.DeepCopy()
				}
			}
			if former.Entry == nil || !envRefersTo(*former.Entry, r.Secret, key) {
				replaced = append(replaced, former)
			}
		}
	}
	return replaced, nil
}

// Restore puts the former variables back where the containers still have those of the Secret, and reports whether it changed anything. It
// returns those whose entry is not known: they are removed.
func Restore(t *corev1.PodTemplateSpec, secretName string, former []secret.FormerVariable) (changed bool, lost []secret.FormerVariable) {
	for _, f := range former {
		c, err := container(t, f.Container)
		if err != nil {
			continue // somebody removed the container
		}
		i := envIndex(c, f.Name)
		if i < 0 || !envRefersTo(c.Env[i], secretName, f.Name) {
			continue
		}
		changed = true
		if f.Entry != nil {
			c.Env[i] = *f.Entry.DeepCopy()
			continue
		}
		if c.Env = slices.Delete(c.Env, i, i+1); len(c.Env) == 0 {
			c.Env = nil
		}
		if f.InSecret {
			lost = append(lost, f)
		}
	}
	return changed, lost
}

// Entries returns the variables of the reference, in YAML, for a manifest that another tool applies.
func (r Reference) Entries() string {
	text := "env:\n"
	for _, key := range r.Keys {
		text += fmt.Sprintf("- name: %s\n  valueFrom:\n    secretKeyRef:\n      name: %s\n      key: %s\n", key, r.Secret, key)
	}
	return text
}

// VariablesManagedBy returns the tool whose manifest sets one of the reference's variables in env. When that tool
// applies its manifest again, it puts its own value back, or fails because the entry then has both.
func VariablesManagedBy(w *Workload, r Reference) (manager string, ok bool) {
	for _, name := range r.Containers {
		applied := decodeContainer(w.lastApplied().container(name))
		for _, key := range r.Keys {
			for _, entry := range w.object.GetManagedFields() {
				if appliesManifests(entry) && w.owns(entry, w.containerPaths(name, "f:env", byName(key))) {
					return entry.Manager, true
				}
			}
			if envIndex(applied, key) >= 0 {
				return kubectlApply, true
			}
		}
	}
	return "", false
}
