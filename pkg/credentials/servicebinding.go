package credentials

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const serviceBindingType corev1.SecretType = "servicebinding.io/postgresql"

// NewServiceBinding returns the second Secret of a binding, in the form of servicebinding.io, for applications and operators that read
// it. The first Secret owns it, so that both are deleted together.
func NewServiceBinding(of *corev1.Secret, c Credentials) *corev1.Secret {
	secret := &corev1.Secret{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: of.Namespace, Name: ServiceBindingName(of.Name),
			Labels:          map[string]string{ManagedByLabel: ManagedBy},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Secret", Name: of.Name, UID: of.UID}},
		},
		Type: serviceBindingType,
		Data: map[string][]byte{
			"type": []byte("postgresql"), "provider": []byte(ManagedBy),
			"host": []byte(c.Host), "port": []byte(c.port()), "database": []byte(c.database()),
			"username": []byte(c.Username), "password": []byte(c.Password), "uri": []byte(c.URI()),
		},
	}
	if c.CA != "" {
		secret.Data[CAFile] = []byte(c.CA)
	}
	return secret
}

// RenewServiceBinding copies the current login from the first Secret to the second one and keeps the keys of others.
func RenewServiceBinding(second, first *corev1.Secret) {
	c, _ := Of(first)
	c.keep(map[string][]byte{
		"POSTGRES_PORT": second.Data["port"], "POSTGRES_DB": second.Data["database"], "POSTGRES_URI": second.Data["uri"],
		CAFile: second.Data[CAFile],
	})
	maps.Copy(second.Data, NewServiceBinding(first, c).Data)
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
