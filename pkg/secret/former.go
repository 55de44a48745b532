package secret

import (
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/keys"
)

// formerKey is the key of the former variables that must not be readable in an annotation. It is no variable: a binding
// that keeps the names of a workload names each variable in env.
const formerKey = ".pgbind-former"

// FormerVariable is what a container had in env before a binding replaced it. Unbind puts it back.
type FormerVariable struct {
	Container string `json:"container"`
	Name      string `json:"name"`
	// Entry is nil if env had no such variable, because the application got it from envFrom or not at all.
	Entry *corev1.EnvVar `json:"entry,omitempty"`
	// InSecret means that the binding's Secret has the entry.
	InSecret bool `json:"inSecret,omitempty"`
}

// Replaces returns a function that matches what is about the same variable.
func (f FormerVariable) Replaces() func(FormerVariable) bool {
	return func(other FormerVariable) bool { return f.Container == other.Container && f.Name == other.Name }
}

// String names the variable without its value.
func (f FormerVariable) String() string { return f.Name + " of container " + f.Container }

// GoString hides the value as String does.
func (f FormerVariable) GoString() string { return f.String() }

// MergeFormer returns what is stored after a bind with this spec replaced variables, with what was stored before. The
// values that can contain a user name, a password or a URI are in hidden, and belong into the Secret; an annotation can
// show the rest.
func MergeFormer(spec v1alpha1.BindingSpec, stored, replaced []FormerVariable) (noted, hidden []FormerVariable) {
	noted = slices.Clone(stored)
	for _, f := range replaced {
		at := slices.IndexFunc(noted, f.Replaces())
		if at >= 0 && f.Entry == nil {
			continue // somebody removed the binding's entry: what was there before it is still the former one
		}
		if f.Entry != nil && f.Entry.ValueFrom == nil && !isPlace(spec.Env[f.Name]) {
			hidden = append(hidden, f)
			f = FormerVariable{Container: f.Container, Name: f.Name, InSecret: true}
		}
		if at >= 0 {
			noted[at] = f
		} else {
			noted = append(noted, f)
		}
	}
	return noted, hidden
}

// isPlace reports whether a template is nothing but the place of a database. Then the value that it replaces is no secret.
func isPlace(text string) bool {
	return slices.Contains([]string{"Host", "Port", "Database", "Address", "ShortAddress"}, keys.Variable("", text).Alone())
}

// AddFormer adds former variables to the data of the binding's Secret. They replace those of the same name and container.
func AddFormer(secret *corev1.Secret, added []FormerVariable) error {
	if len(added) == 0 {
		return nil
	}
	all, err := formerIn(secret)
	if err != nil {
		return err
	}
	for _, f := range added {
		all = append(slices.DeleteFunc(all, f.Replaces()), f)
	}
	text, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("write the former variables to secret/%s: %w", secret.Name, err)
	}
	secret.Data[formerKey] = text
	return nil
}

// Former returns the former variables with the entries that the Secret has. secret is nil if it was deleted: then entries are missing, and
// InSecret is true for them.
func Former(noted []FormerVariable, secret *corev1.Secret) ([]FormerVariable, error) {
	hidden, err := formerIn(secret)
	if err != nil {
		return nil, err
	}
	all := slices.Clone(noted)
	for _, f := range hidden {
		if f.Entry == nil || f.Entry.Name != f.Name || f.Entry.ValueFrom != nil {
			continue // not written by a bind
		}
		at := slices.IndexFunc(all, f.Replaces())
		switch {
		case at < 0:
			all = append(all, f) // the annotation is lost
		case all[at].InSecret:
			all[at] = f
		}
	}
	return all, nil
}

// formerIn reads the former variables of the Secret. The error contains no value.
func formerIn(secret *corev1.Secret) ([]FormerVariable, error) {
	if secret == nil || len(secret.Data[formerKey]) == 0 {
		return nil, nil
	}
	var all []FormerVariable
	if json.Unmarshal(secret.Data[formerKey], &all) != nil {
		return nil, fmt.Errorf(
			"secret/%s: its key %s is not the list of former variables that a bind writes: remove the key, and set them by hand",
			secret.Name, formerKey,
		)
	}
	return all, nil
}
