package secret

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/keys"
)

// CAFile is the key of the CA certificates of the server. It is a file and not a variable.
const CAFile = "ca.crt"

// passwordKey is the key of the password in a Secret that has no other key for the password alone. A rotation and a check read it there.
const passwordKey = "PGBIND_PASSWORD"

// Presets returns the presets of a spec, or the default one. With the names of the workload there is none.
func Presets(spec v1alpha1.BindingSpec) []string {
	if len(spec.Presets) > 0 || spec.NamesFromWorkload {
		return spec.Presets
	}
	return []string{keys.DefaultPreset}
}

// Templates returns the keys of the Secret of a binding with this spec, except for CAFile. It fails for an unknown preset or key, an
// invalid template, and two keys of one name.
func Templates(spec v1alpha1.BindingSpec) ([]keys.Template, error) {
	var presets []keys.Preset
	for _, name := range Presets(spec) {
		preset, err := keys.ParsePreset(name)
		if err != nil {
			return nil, err
		}
		presets = append(presets, preset)
	}
	var own []keys.Template
	for _, name := range spec.Keys {
		if name == v1alpha1.KeyServiceBinding {
			continue // it is a second Secret
		}
		t, err := keys.KeyTemplate(name)
		if err != nil {
			return nil, err
		}
		own = append(own, t)
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Env)) {
		t, err := keys.Parse(name, spec.Env[name])
		if err != nil {
			return nil, err
		}
		own = append(own, t)
	}
	all, err := keys.Combine(presets, own)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(all, func(t keys.Template) bool { return t.Alone() == "Password" }) {
		all = append(all, keys.Variable(passwordKey, "{{.Password}}"))
	}
	return all, nil
}

// templatesOf returns the Templates of a spec. With the default preset it also returns the optional keys that the data
// has although the spec does not name them: somebody added them, or an early version did not record them.
func templatesOf(spec v1alpha1.BindingSpec, data map[string][]byte) ([]keys.Template, error) {
	all, err := Templates(spec)
	if !slices.Contains(Presets(spec), keys.DefaultPreset) {
		return all, err
	}
	for _, key := range keys.OptionalKeys() {
		t := key.Template
		if _, there := data[t.Name()]; there && !slices.ContainsFunc(all, t.SameName) {
			all = append(all, t)
		}
	}
	return all, err
}

// fill writes the values of the templates into data. It removes a key that is left out.
func fill(data map[string][]byte, templates []keys.Template, c Credentials) error {
	for _, t := range templates {
		value, err := t.Render(c.values())
		if err != nil {
			return err
		}
		_, there := data[t.Name()]
		if value == "" && there {
			value = t.Usual()
		}
		if value == "" {
			delete(data, t.Name())
			continue
		}
		data[t.Name()] = []byte(value)
	}
	return nil
}

// values returns what templates can use.
func (c Credentials) values() keys.Values {
	return keys.Values{
		Host: c.Host, Port: c.Port, Database: c.Database, Username: c.Username, Password: c.Password, SSLMode: c.SSLMode, CAPath: c.CAPath,
	}
}

// VariablesOf returns, sorted, the keys of the Secret of a binding with this spec that become variables of an application. The others are
// files. With the names of the workload they are exactly those of the spec.
func VariablesOf(spec v1alpha1.BindingSpec, data map[string][]byte) []string {
	templates, _ := Templates(spec) // a spec is validated before
	if spec.NamesFromWorkload {
		var names []string
		for _, t := range templates {
			if _, there := data[t.Name()]; there && !t.File() && t.Name() != passwordKey {
				names = append(names, t.Name())
			}
		}
		slices.Sort(names)
		return names
	}
	isFile := func(name string) bool {
		return slices.ContainsFunc(templates, func(t keys.Template) bool { return t.File() && t.Name() == name })
	}
	var names []string
	for name := range data {
		if len(validation.IsCIdentifier(name)) == 0 && !isFile(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Variables returns the names of the variables that the Secret of a binding with this spec can have.
func Variables(spec v1alpha1.BindingSpec) []string {
	templates, _ := Templates(spec) // a spec is validated before
	var names []string
	for _, t := range templates {
		if !t.File() {
			names = append(names, t.Name())
		}
	}
	return names
}

// Damaged returns a key of the Secret whose value is not what its template gives for the login in the Secret, or "". A Secret of an early
// version does not record what is needed to know this.
func Damaged(secret *corev1.Secret) string {
	marks, _ := MarksOf(secret)
	c, complete := Of(secret)
	templates, err := Templates(marks.BindingSpec)
	if !complete || err != nil || marks.BindingStatus.Host == "" {
		return ""
	}
	data := maps.Clone(secret.Data)
	if fill(data, templates, c) != nil {
		return ""
	}
	for _, t := range templates {
		if string(data[t.Name()]) != string(secret.Data[t.Name()]) {
			return t.Name()
		}
	}
	return ""
}

// typeOf returns the type of a new Secret, which those who read the keys of some presets expect.
func typeOf(spec v1alpha1.BindingSpec) corev1.SecretType {
	switch {
	case IsServiceBinding(spec):
		return serviceBindingType
	case slices.Equal(Presets(spec), []string{"cnpg"}):
		return corev1.SecretTypeBasicAuth
	}
	return corev1.SecretTypeOpaque
}

// IsServiceBinding reports whether the Secret of a binding with this spec has the form of servicebinding.io.
func IsServiceBinding(spec v1alpha1.BindingSpec) bool {
	return slices.Contains(spec.Presets, v1alpha1.PresetServiceBinding)
}

// CheckVariables returns an error if a preset of the spec has files, which an envFrom entry would make variables such as "host".
func CheckVariables(spec v1alpha1.BindingSpec) error {
	for _, name := range Presets(spec) {
		if preset, err := keys.ParsePreset(name); err == nil && preset.Files() {
			return fmt.Errorf(
				"the keys of preset %s are files and not variables: use --inject volume with --mount-path, or --inject none",
				name,
			)
		}
	}
	return nil
}
