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

// TestGuestbook has an application that reads host, user and password from variables of its own, and migrates in an init container.
func TestGuestbook(t *testing.T) {
	t.Parallel()
	a := newApp(t, "guestbook", func(number int64) (harness.Request, int) {
		if number%2 == 0 {
			return get("entries", nil), http.StatusOK
		}
		return post("entries", fmt.Sprintf(`{"author": "load", "text": "entry %d"}`, number), nil), http.StatusCreated
	})
	a.deploy("/readyz", func(pod *corev1.PodSpec) {
		pod.InitContainers = []corev1.Container{{Name: "migrate", Image: pod.Containers[0].Image, Args: []string{"migrate"}}}
	})
	a.testLife(func() {
		require.Equal(t, "2", a.sql("SELECT max(version_id) FROM goose_db_version"))
		assert.Contains(t, a.owners(), "pgbind_guestbook_public_all_")
		assert.NotContains(t, a.owners(), "\n", "one role owns everything")
		a.sql("DELETE FROM entries")
	}, "--container=*", "--env=GUESTBOOK_DB_HOST={{.Host}}", "--env=GUESTBOOK_DB_PORT={{.Port}}", "--env=GUESTBOOK_DB_NAME={{.Database}}",
		"--env=GUESTBOOK_DB_USER={{.Username}}", "--env=GUESTBOOK_DB_PASSWORD={{.Password}}")
}
