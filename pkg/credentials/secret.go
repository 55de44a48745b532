package credentials

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// The keys of every Secret. With envFrom they become the application's variables.
const (
	KeyHost     = "POSTGRES_HOST"
	KeyUsername = "POSTGRES_USERNAME"
	KeyPassword = "POSTGRES_PASSWORD" //nolint:gosec // the name of a key, not a password
)

// Keys returns the keys that every Secret of a binding has.
func Keys() []string { return []string{KeyHost, KeyUsername, KeyPassword} }

// Credentials are what an application needs to log in.
type Credentials struct {
	Host, Username, Password string

	Port     int32  // 0: 5432
	Database string // empty: postgres
	SSLMode  string // for URIs; empty: the driver's default
	CA       string // CA certificates of the server, in PEM; optional
	CAPath   string // path of the CA file in the container; optional
}

// NewSecret returns the Secret of a binding with the required keys and the given ones.
func NewSecret(name types.NamespacedName, marks Marks, c Credentials, keys ...Key) *corev1.Secret {
	secret := &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name},
		Type:       corev1.SecretTypeOpaque,
		Data:       c.data(keys),
	}
	marks.write(secret)
	return secret
}

// LoginPort returns the port at which the application logs in.
func (c Credentials) LoginPort() int32 { return cmp.Or(c.Port, usualPort) }

// Of reads the login and its port from a Secret; ok is false if host, user name or password is missing.
func Of(secret *corev1.Secret) (c Credentials, ok bool) {
	c = Credentials{Host: string(secret.Data[KeyHost]), Username: string(secret.Data[KeyUsername]), Password: string(secret.Data[KeyPassword])}
	c.Port = portOf(secret.Data)
	return c, c.Host != "" && c.Username != "" && c.Password != ""
}
