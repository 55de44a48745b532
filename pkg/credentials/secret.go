package credentials

import (
	"cmp"

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
type Credentials struct {
	Host, Username, Password string

	Port     int32  // 0: 5432
	Database string // empty: postgres
	SSLMode  string // for URIs; empty: the driver's own
	CA       string // certificates of the server's authority, in PEM; may be empty
	CAPath   string // where the application finds CA as a file; may be empty
}

// NewSecret builds the Secret of a binding, with the keys that were asked for beside those of every Secret.
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

// LoginPort is the port at which the application logs in.
func (c Credentials) LoginPort() int32 { return cmp.Or(c.Port, usualPort) }

// Of reads the login and its port from a Secret that NewSecret built; ok is false where host, user name or password is missing.
func Of(secret *corev1.Secret) (c Credentials, ok bool) {
	c = Credentials{Host: string(secret.Data[KeyHost]), Username: string(secret.Data[KeyUsername]), Password: string(secret.Data[KeyPassword])}
	c.Port = portOf(secret.Data)
	return c, c.Host != "" && c.Username != "" && c.Password != ""
}
