package secret

import (
	"cmp"
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/keys"
)

const serviceBindingType corev1.SecretType = "servicebinding.io/postgresql"

// NewServiceBinding returns the second Secret of a binding, in the form of servicebinding.io, for applications and operators that read
// it. The first Secret owns it, so that both are deleted together. It fails if c is incomplete.
func NewServiceBinding(of *corev1.Secret, c Credentials) (*corev1.Secret, error) {
	marks, _ := MarksOf(of)
	secret := &corev1.Secret{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: of.Namespace, Name: ServiceBindingName(of.Name),
			Labels:          marks.labels(),
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Secret", Name: of.Name, UID: of.UID}},
		},
		Type: serviceBindingType,
		Data: map[string][]byte{},
	}
	CopyLabels(secret, of.Labels)
	preset, err := keys.ParsePreset("servicebinding")
	if err != nil {
		return nil, err
	}
	if c.CA != "" {
		secret.Data[CAFile] = []byte(c.CA)
	}
	return secret, fill(secret.Data, preset.Keys, c)
}

// RenewServiceBinding copies the current login from the first Secret to the second one and keeps the keys of others.
func RenewServiceBinding(second, first *corev1.Secret) error {
	c, _ := Of(first)
	if c.SSLMode == "" && c.CAPath == "" { // an early version wrote the first Secret
		c.readURI(second.Data["uri"])
	}
	c.CA = cmp.Or(c.CA, string(second.Data[CAFile]))
	renewed, err := NewServiceBinding(first, c)
	if err != nil {
		return err
	}
	maps.Copy(second.Data, renewed.Data)
	return nil
}

// ServiceBindingName returns the name of the second Secret.
func ServiceBindingName(secret string) string { return secret + "-binding" }

// IsServiceBindingOf reports whether secret is the second Secret of the first one.
func IsServiceBindingOf(secret, of *corev1.Secret) bool {
	for _, owner := range secret.OwnerReferences {
		if owner.UID == of.UID && of.UID != "" {
			return secret.Labels[ManagedByLabel] == ManagedBy
		}
	}
	return false
}
