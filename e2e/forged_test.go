//go:build e2e

package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// TestForgedMarksGainNothing binds Secrets and workloads with forged metadata, from a user who can write them in the namespace. The
// victim's role and Secret do not change.
func TestForgedMarksGainNothing(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.create(small(deployment("victim", nil)))
	f.bind("deploy/victim", "--secret=victims")
	victim := f.secret("victims")
	roles := f.roles()
	annotation := f.deployment("victim").Annotations["binding.pgbind.dev/victims"]

	t.Run("a Secret with the victim's marks", func(t *testing.T) {
		f := f.in(t)
		forged := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: firstSecret, Labels: victim.Labels, Annotations: victim.Annotations}}
		forged.Data = map[string][]byte{
			"POSTGRES_HOST":     []byte("here"),
			"POSTGRES_USERNAME": victim.Data["POSTGRES_USERNAME"],
			"POSTGRES_PASSWORD": []byte("guessed"),
		}
		f.create(forged)
		for _, name := range []string{"victim", "first"} {
			if name == "first" {
				f.create(small(deployment(name, nil)))
			}
			f.bind("deploy/" + name)
		}
		assert.Equal(t, digests(forged.Data), digests(f.secret(firstSecret).Data))
		assert.NotContains(t, f.references("first"), firstSecret)
	})
	t.Run("an annotation with the victim's id", func(t *testing.T) {
		f := f.in(t)
		f.create(small(deployment("second", nil)))
		f.annotate("second", "binding.pgbind.dev/victims", annotation)
		f.bind("deploy/second")
		assert.NotContains(t, f.references("second"), "victims")
	})
	t.Run("an annotation that calls the victim's Secret its own", func(t *testing.T) {
		f := f.in(t)
		f.create(small(deployment("third", nil)))
		f.bind("deploy/third", "--secret=thirds")
		f.annotate("third", "binding.pgbind.dev/a-victims", f.deployment("third").Annotations["binding.pgbind.dev/thirds"])
		copied := victim.DeepCopy()
		copied.ObjectMeta = metav1.ObjectMeta{Name: "a-victims", Labels: victim.Labels, Annotations: victim.Annotations}
		f.create(copied)
		result := f.bind("deploy/third")
		assert.Contains(t, result.Stdout, "secret/thirds unchanged")
		assert.Equal(t, []string{"thirds"}, f.references("third"))
		assert.Equal(t, digests(copied.Data), digests(f.secret("a-victims").Data))
	})
	t.Run("a Secret of its own that names the victim's role", func(t *testing.T) {
		f := f.in(t)
		f.create(small(deployment("fourth", nil)))
		f.bind("deploy/fourth", "--secret=fourths")
		patch := `{"stringData": {"POSTGRES_USERNAME": "` + string(victim.Data["POSTGRES_USERNAME"]) + `", "POSTGRES_PASSWORD": "guessed"}}`
		_, err := f.Kubectl("patch", "secret", "fourths", "--patch="+patch).Output(f.ctx)
		require.NoError(t, err)
		result := f.run(f.Pgbind("deploy/fourth"))
		assert.Equal(t, 1, result.Code)
		assert.Contains(t, result.Stderr, "delete it")
	})
	assert.Equal(t, victim.ResourceVersion, f.secret("victims").ResourceVersion)
	assert.Contains(t, f.roles(), roles, "the victim's role and password")
	assert.Equal(t, "1", f.as("victims", "SELECT 1"))
}

func (f *fixture) annotate(name, key, value string) {
	f.t.Helper()
	_, err := f.Kubectl("annotate", "deployment", name, "--overwrite", key+"="+value).Output(f.ctx)
	require.NoError(f.t, err)
}

// references names the Secrets that the Deployment's first container refers to.
func (f *fixture) references(name string) []string {
	f.t.Helper()
	var names []string
	for _, reference := range f.deployment(name).Spec.Template.Spec.Containers[0].EnvFrom {
		names = append(names, reference.SecretRef.Name)
	}
	return names
}
