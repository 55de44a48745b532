//go:build e2e

package e2e

import (
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/cmd"
)

// databaseLabel is the value of the label app of the lesson's database.
const databaseLabel = "postgresql-a"

// narrowed maps the examples that affect every namespace, and so other tests, to commands for one namespace.
var narrowed = map[string]string{
	"kubectl pgbind bind deployment/web --postgres service/pg --postgres-namespace data --dbname shop": "kubectl pgbind bind deployment/web --postgres service/pg --dbname shop",
	"kubectl pgbind unbind --all":                                                 "kubectl pgbind unbind --all --yes",
	"kubectl pgbind prune -A --yes":                                               "kubectl pgbind prune --yes",
	"kubectl pgbind check -A -o json":                                             "kubectl pgbind check -o json",
	"kubectl pgbind audit -A --postgres statefulset/pg --postgres-namespace data": "kubectl pgbind audit --postgres statefulset/pg",
	// no terminal; others that share the access role prevent it
	"kubectl pgbind takeover deployment/forgejo --undo": "kubectl pgbind unbind deployment/postgresql-application deployment/web --grace=1s && kubectl pgbind takeover deployment/forgejo --undo --yes",
	"kubectl pgbind audit -A -o html > audit.html":      "kubectl pgbind audit -o html > audit.html",
}

// TestExamples runs every example of the help, in the order of the help, on one namespace.
func TestExamples(t *testing.T) {
	t.Parallel()
	f := newLesson(t, harness.WithoutClaim)
	f.create(deployment("web", nil))
	f.rollout("deployment/web")
	f.admin("CREATE ROLE forgejo LOGIN PASSWORD '" + formerPassword + "'")
	f.create(f.idler("forgejo", "forgejo"))
	f.rollout("deployment/forgejo")
	f.secondServer("pg")
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, ".local", "bin"), 0o700))
	const bindings = "apiVersion: pgbind.dev/v1alpha1\nkind: Binding\nspec: {workload: deployment/postgresql-application}\n"
	require.NoError(t, os.Mkdir(filepath.Join(dir, "bindings"), 0o700))
	const manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
	files := map[string]string{
		"script.sql":        "SELECT 1;\n",
		"bindings.yaml":     bindings,
		"bindings/web.yaml": bindings,
		"deployment.yaml":   manifest,
	}
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	require.NoError(t, f.Install("generate-bindings", []byte("#!/bin/sh\nexec cat bindings.yaml\n")))

	seen := map[string]bool{}
	for _, example := range examples(cmd.NewRootCommand(genericiooptions.NewTestIOStreamsDiscard())) {
		seen[example] = true
		t.Run(example, func(t *testing.T) {
			f := f.in(t)
			result, err := f.Shell(f.ctx, dir, cmp.Or(narrowed[example], example))
			require.NoError(t, err)
			assert.Zero(t, result.Code, "stdout: %s\nstderr: %s", result.Stdout, result.Stderr)
			f.requireNoPassword(result.Stdout + result.Stderr)
		})
	}
	for example := range maps.Keys(narrowed) {
		assert.True(t, seen[example], "%q is no example any more", example)
	}
}

// examples returns the commands of the help's examples, without their comments.
func examples(root *cobra.Command) []string {
	var commands []string
	for _, example := range strings.Split(root.Example, "\n\n") {
		_, command, _ := strings.Cut(example, "\n")
		commands = append(commands, strings.TrimSpace(command))
	}
	for _, child := range root.Commands() {
		if child.Example != "" {
			commands = append(commands, examples(child)...)
		}
	}
	return commands
}

// secondServer deploys the lesson's database again under another name, with a database "shop" in it.
func (f *fixture) secondServer(name string) {
	f.t.Helper()
	objects, err := lesson.Objects(f.Name)
	require.NoError(f.t, err)
	for _, object := range objects {
		if kind := object.GetKind(); kind != "StatefulSet" && object.GetName() != lesson.DatabaseService {
			continue
		}
		require.NoError(f.t, harness.WithoutClaim(object))
		text, err := object.MarshalJSON()
		require.NoError(f.t, err)
		renamed := strings.NewReplacer(lesson.Database, name, lesson.DatabaseService, name, databaseLabel, name).Replace(string(text))
		second := &unstructured.Unstructured{}
		require.NoError(f.t, second.UnmarshalJSON([]byte(renamed)))
		require.NoError(f.t, f.Apply(f.ctx, second))
	}
	f.rollout("statefulset/" + name)
	_, err = f.Kubectl("exec", name+"-0", "--", "createdb", "--username=postgres", "shop").Output(f.ctx)
	require.NoError(f.t, err)
}
