//go:build e2e && apps

package e2e

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
)

// TestOpenFGA has the init container of OpenFGA's chart migrate the database as its owner, and a server that only reads and writes.
func TestOpenFGA(t *testing.T) {
	t.Parallel()
	a := newApp(t, "openfga", func(number int64) (harness.Request, int) {
		if number%2 == 0 {
			return get("stores", nil), http.StatusOK
		}
		return post("stores", fmt.Sprintf(`{"name": "store %d"}`, number), nil), http.StatusCreated
	})
	a.deploy("/healthz", func(pod *corev1.PodSpec) {
		c := &pod.Containers[0]
		c.Args, c.Env = []string{
			"run",
		}, []corev1.EnvVar{
			{Name: "OPENFGA_DATASTORE_ENGINE", Value: "postgres"},
			{Name: "OPENFGA_LOG_LEVEL", Value: "warn"},
		}
		pod.InitContainers = []corev1.Container{{Name: "migrate", Image: c.Image, Args: []string{"migrate"}, Env: c.Env}}
	})
	a.testLife(func() {
		require.Equal(t, "t", a.sql("SELECT count(*) > 3 FROM goose_db_version"))
		assert.Contains(t, a.owners(), "pgbind_openfga_public_all_")
		assert.NotContains(t, a.owners(), "\n", "one role owns everything")
		a.sql("DELETE FROM store WHERE name LIKE 'store %'")
	}, "--owner-container=migrate", "--access=readwrite", "--env=OPENFGA_DATASTORE_URI={{.URI}}")
}
