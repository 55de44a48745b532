package credentials

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// The keys of the Secret, which envFrom makes the application's variables.
const (
	KeyHost     = "POSTGRES_HOST"
	KeyUsername = "POSTGRES_USERNAME"
	KeyPassword = "POSTGRES_PASSWORD" //nolint:gosec // the name of a key, not a password
)

// Keys lists the keys of every Secret that we make.
func Keys() []string { return []string{KeyHost, KeyUsername, KeyPassword} }

// Credentials is what an application needs to log in.
type Credentials struct{ Host, Username, Password string }

// NewSecret builds the Secret of a binding.
func NewSecret(name types.NamespacedName, marks Marks, c Credentials) *corev1.Secret {
	secret := &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name},
		Type:       corev1.SecretTypeOpaque,
		Data: map[string][]byte{
			KeyHost:     []byte(c.Host),
			KeyUsername: []byte(c.Username),
			KeyPassword: []byte(c.Password),
		},
	}
	marks.write(secret)
	return secret
}

// Of reads a Secret that NewSecret built; ok is false where a key is missing.
func Of(secret *corev1.Secret) (c Credentials, ok bool) {
	c = Credentials{string(secret.Data[KeyHost]), string(secret.Data[KeyUsername]), string(secret.Data[KeyPassword])}
	return c, c.Host != "" && c.Username != "" && c.Password != ""
}
