package secret

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
)

// Read reads the login from a Secret without metadata, which has the keys of a binding with this spec. ok is false if it lacks one of them.
func Read(secret *corev1.Secret, spec v1alpha1.BindingSpec) (c Credentials, ok bool) {
	templates, err := templatesOf(spec, secret.Data)
	if err != nil {
		return Credentials{}, false
	}
	c = Credentials{CA: string(secret.Data[CAFile])}
	return c, c.read(secret.Data, templates) && c.Host != "" && c.Username != "" && c.Password != ""
}

// Adopt writes metadata to a Secret that somebody created by hand, with this login. Its keys and values stay as they are.
func Adopt(secret *corev1.Secret, marks Marks, c Credentials) {
	marks.BindingStatus.Host, marks.BindingStatus.Port, marks.BindingStatus.SSLMode = c.Host, c.LoginPort(), c.SSLMode
	marks.write(secret)
}
