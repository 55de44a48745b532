//go:build e2e

package e2e

import (
	"encoding/json"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
)

// bindingAnnotation is the annotation of a binding on its Secret.
const bindingAnnotation = "pgbind.dev/binding"

// metadata is what that annotation stores.
type metadata struct {
	Spec   v1alpha1.BindingSpec   `json:"spec"`
	Status v1alpha1.BindingStatus `json:"status"`
}

// metadata reads the annotation of a Secret; the second Secret of a binding has none.
func (f *fixture) metadata(secret *corev1.Secret) metadata {
	f.t.Helper()
	var found metadata
	if value, ok := secret.Annotations[bindingAnnotation]; ok {
		require.NoError(f.t, json.Unmarshal([]byte(value), &found))
	}
	return found
}

// forge changes the annotation of a Secret.
func (f *fixture) forge(secret string, change func(*metadata)) {
	f.t.Helper()
	forged := f.metadata(f.secret(secret))
	change(&forged)
	text, err := json.Marshal(forged)
	require.NoError(f.t, err)
	f.kubectl("annotate", "secret", secret, "--overwrite", bindingAnnotation+"="+string(text))
}

// expired is a change that makes a binding expire in the past.
func expired(m *metadata) {
	past := metav1.NewTime(time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC))
	m.Status.Expires = &past
}
