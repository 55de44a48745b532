package secret

import (
	"cmp"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// Renew writes metadata and credentials to a Secret. It writes every key of the binding, removes those of the binding's former presets, and
// keeps the keys of others. Values other than the login that c does not set stay as they are. It fails, and changes nothing, if a template
// cannot be rendered.
func Renew(secret *corev1.Secret, marks Marks, c Credentials) error {
	before, _ := MarksOf(secret)
	former, _ := templatesOf(before.BindingSpec, secret.Data) // one that was valid when it was written
	held, _ := Of(secret)
	c.keep(held)
	wanted, err := templatesOf(marks.BindingSpec, secret.Data)
	if err != nil {
		return err
	}
	data := maps.Clone(secret.Data)
	if data == nil {
		data = map[string][]byte{}
	}
	for _, t := range former {
		if !slices.ContainsFunc(wanted, t.SameName) {
			delete(data, t.Name())
		}
	}
	if err := fill(data, wanted, c); err != nil {
		return err
	}
	if c.CA != "" {
		data[CAFile] = []byte(c.CA)
	}
	secret.Data = data
	marks.BindingStatus.Host, marks.BindingStatus.Port, marks.BindingStatus.SSLMode = c.Host, c.LoginPort(), c.SSLMode
	marks.write(secret)
	return nil
}

// Complete adds metadata and the keys that a Secret lacks. The keys that it has stay as they are, and new ones have the same login. It
// fails, and changes nothing, if a template cannot be rendered.
func Complete(secret *corev1.Secret, marks Marks, c Credentials) error {
	held, _ := Of(secret)
	held.keep(c)
	held.Host = cmp.Or(held.Host, c.Host)
	held.Username, held.Password = cmp.Or(held.Username, c.Username), cmp.Or(held.Password, c.Password)
	renewed := secret.DeepCopy()
	if err := Renew(renewed, marks, held); err != nil {
		return err
	}
	added := false
	for name, value := range renewed.Data {
		if _, there := secret.Data[name]; !there {
			secret.Data[name], added = value, true
		}
	}
	if added || marks.BindingStatus.Host == "" {
		marks, _ = MarksOf(renewed)
	}
	marks.write(secret)
	return nil
}

// keep sets the values that c does not contain, other than the login.
func (c *Credentials) keep(held Credentials) {
	c.Port, c.Database, c.SSLMode = cmp.Or(c.Port, held.Port), cmp.Or(c.Database, held.Database), cmp.Or(c.SSLMode, held.SSLMode)
	c.CA, c.CAPath = cmp.Or(c.CA, held.CA), cmp.Or(c.CAPath, held.CAPath)
}
