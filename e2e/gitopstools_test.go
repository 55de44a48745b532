//go:build e2e && gitops

package e2e

import "testing"

func TestHelm3(t *testing.T) {
	t.Parallel()
	newGitOps(t).testTool(tool{apply: (*fixture).helm3, empties: true})
}

func TestHelm4(t *testing.T) {
	t.Parallel()
	newGitOps(t).testTool(tool{apply: (*fixture).helm4})
}

func TestFlux(t *testing.T) {
	t.Parallel()
	f := newGitOps(t)
	f.testTool(tool{apply: (*fixture).flux})
	t.Run("a manager that Flux disowns", func(t *testing.T) { f.in(t).testDisowned((*fixture).flux) })
}

func TestArgoCD(t *testing.T) {
	t.Parallel()
	for mode, empties := range map[string]bool{"client": true, "server": false} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			newGitOps(t).testTool(tool{apply: argo(mode), empties: empties})
		})
	}
	t.Run("replace", func(t *testing.T) {
		t.Parallel()
		newGitOps(t).testReplace()
	})
}
