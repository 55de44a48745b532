//go:build dist

package main

import (
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRelease builds a release with goreleaser, and checks what users get from it.
func TestRelease(t *testing.T) {
	images := startRegistry(t)
	services := local{base: pushBase(t, images), image: images + "/kubectl-pgbind", key: filepath.Join(t.TempDir(), "cosign.key")}
	if isWhole() {
		here := dist{dir: filepath.Dir(services.key), tools: os.Getenv("PGBIND_DIST_TOOLS")}
		here.run(t, []string{"COSIGN_PASSWORD="}, filepath.Join(here.tools, "cosign"), "generate-key-pair")
	}
	d := newDist(t, services)
	t.Run("archives", d.checkArchives)
	t.Run("packages", d.checkPackages)
	t.Run("deb in a container", d.checkDeb)
	t.Run("installs with krew", d.checkKrew)
	t.Run("is found in an index", d.checkIndex)
	t.Run("image", func(t *testing.T) { checkImage(t, services.image+":"+released) })
	t.Run("manifests", func(t *testing.T) { d.checkManifests(t, services.image) })
	t.Run("is reproducible", func(t *testing.T) { d.checkReproducible(t, services) })
	if !isWhole() {
		return
	}
	t.Run("cask and manifest for Scoop", d.checkCask)
	t.Run("SBOMs", d.checkSBOMs)
	t.Run("signature", func(t *testing.T) { d.checkSignature(t, services.key) })
}

// commands returns the names of the man pages: one for each command of the program that was built.
func (d dist) commands(t *testing.T) []string {
	t.Helper()
	pages := []string{"kubectl-pgbind.1"}
	program := filepath.Join(t.TempDir(), "kubectl-pgbind")
	archive := platform{os: runtime.GOOS, arch: runtime.GOARCH}.archive()
	content := unpack(t, d.file(archive))["kubectl-pgbind"].content
	require.NoError(t, os.WriteFile(program, []byte(content), 0o700)) //nolint:gosec // a program
	for line := range strings.Lines(d.run(t, nil, program, "__complete", "")) {
		// A command has a description, a workload that could be bound has none.
		if name, _, isCommand := strings.Cut(line, "\t"); isCommand && name != "help" {
			pages = append(pages, "kubectl-pgbind-"+name+".1")
		}
	}
	require.Greater(t, len(pages), 10)
	return pages
}

func (d dist) checkArchives(t *testing.T) {
	rendered, err := readManifest(d.file("pgbind.yaml"))
	require.NoError(t, err)
	checkManifest(t, rendered, wanted())
	sums := readFile(t, d.file("checksums.txt"))
	wanted := []string{"LICENSE", "THIRD_PARTY_NOTICES", "kubectl_complete-pgbind"}
	for _, page := range d.commands(t) {
		wanted = append(wanted, "man/"+page)
	}
	for _, download := range rendered.Spec.Platforms {
		archive := filepath.Base(download.URI)
		assert.Contains(t, sums, download.SHA256+"  "+archive+"\n")
		d.run(t, nil, "sh", "-c", "cd dist && grep '  "+archive+"$' checksums.txt | sha256sum --check --strict")
		files := unpack(t, d.file(archive))
		for _, name := range wanted {
			_, exists := files[name]
			assert.True(t, exists, "%s has no %s", archive, name)
		}
		assert.Equal(t, readFile(t, filepath.Join(d.dir, "LICENSE")), files["LICENSE"].content)
		assert.NotZero(t, files[download.Bin].mode&0o111, "%s: %s is executable", archive, download.Bin)
		assert.NotZero(t, files["kubectl_complete-pgbind"].mode&0o111, archive)
		assert.Contains(t, files[download.Bin].content, released, archive)
		assert.NotContains(t, files[download.Bin].content, d.dir, "the program does not contain the directory of the build")
		for _, module := range []string{"k8s.io/client-go/LICENSE", "github.com/spf13/cobra/LICENSE.txt", "go/LICENSE"} {
			assert.Contains(t, files["THIRD_PARTY_NOTICES"].content, "\n"+module+"\n", archive)
		}
	}
}

// checkReproducible builds the release again in another directory. SBOMs and signatures contain the time and random numbers.
func (d dist) checkReproducible(t *testing.T, services local) {
	t.Helper()
	again := newDist(t, services)
	first, err := readChecksums(d.file("checksums.txt"))
	require.NoError(t, err)
	second, err := readChecksums(again.file("checksums.txt"))
	require.NoError(t, err)
	isSBOM := func(name, _ string) bool { return strings.HasSuffix(name, ".spdx.json") }
	maps.DeleteFunc(first, isSBOM)
	maps.DeleteFunc(second, isSBOM)
	assert.NotEmpty(t, first)
	assert.Equal(t, first, second)
}

func (d dist) checkCask(t *testing.T) {
	sums, err := readChecksums(d.file("checksums.txt"))
	require.NoError(t, err)
	cask := readFile(t, d.file("homebrew/Casks/kubectl-pgbind.rb"))
	bucket := readFile(t, d.file("scoop/kubectl-pgbind.json"))
	for _, p := range platforms() {
		text := cask
		if p.os == "windows" {
			text = bucket
		}
		assert.Contains(t, text, sums[p.archive()], p.archive())
	}
	assert.Contains(t, cask, `binary "kubectl_complete-pgbind"`)
}

func (d dist) checkSBOMs(t *testing.T) {
	for _, p := range platforms() {
		sbom := readFile(t, d.file(p.archive()+".spdx.json"))
		assert.Contains(t, sbom, `"spdxVersion"`)
		assert.Contains(t, sbom, "pkg:golang/k8s.io/client-go@", p.archive())
	}
}

// checkSignature verifies the signature as a user does, and requires that cosign rejects another file.
func (d dist) checkSignature(t *testing.T, key string) {
	t.Helper()
	verify := []string{
		"verify-blob", "--key=" + strings.TrimSuffix(key, ".key") + ".pub", "--insecure-ignore-tlog",
		"--bundle=dist/checksums.txt.sigstore.json",
	}
	d.run(t, nil, filepath.Join(d.tools, "cosign"), append(slices.Clone(verify), "dist/checksums.txt")...)
	output := d.run(t, nil, "sh", "-c", `! cosign "$@" 2>&1`, "sh", verify[0], verify[1], verify[2], verify[3], "dist/pgbind.yaml")
	assert.Contains(t, output, "signature")
}
