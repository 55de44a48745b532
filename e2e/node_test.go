//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// TestDatabasesOfOneNodeTakeTurns reads in the servers' logs when createuser ran in which of two Pods of the only node. It runs before the
// parallel tests, because it depends on timing.
func TestDatabasesOfOneNodeTakeTurns(t *testing.T) {
	const number = 40
	databases := []*fixture{newDatabase(t), newDatabase(t)}
	var documents strings.Builder
	for _, f := range databases {
		f.admin("ALTER SYSTEM SET log_connections = on")
		f.admin("SELECT pg_reload_conf()")
		for _, spec := range f.manyLabelled(number) {
			fmt.Fprintf(
				&documents,
				"---\napiVersion: pgbind.dev/v1alpha1\nkind: Binding\nmetadata: {namespace: %s}\nspec: {%s}\n", f.Name,
				spec,
			)
		}
	}
	file := filepath.Join(t.TempDir(), "bindings.yaml")
	require.NoError(t, os.WriteFile(file, []byte(documents.String()), 0o600))
	applied := databases[0].run(cluster.Pgbind("apply", "-f", file, "--wait=false", "--server-concurrency=1"))
	assert.Len(t, verbsOf(applied, "bound"), 2*number, applied.Stderr)

	var sessions []string // each line begins with its time
	for _, f := range databases {
		for _, line := range lines(f.kubectl("logs", lesson.DatabasePod)) {
			if strings.Contains(line, "application_name=createuser") {
				sessions = append(sessions, line+" in "+f.Name)
			}
		}
	}
	require.Len(t, sessions, 2*number)
	slices.Sort(sessions)
	turns := 1
	for i, session := range sessions[1:] {
		if strings.HasSuffix(session, databases[0].Name) != strings.HasSuffix(sessions[i], databases[0].Name) {
			turns++
		}
	}
	assert.Less(t, turns, 10, "few turns, and a few more where bindings come late and have another exec")
}
