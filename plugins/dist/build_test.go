//go:build dist

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const released = "v9.8.7"

// isWhole reports whether the test builds everything. By default it builds for the current platform, without SBOMs and signature,
// because the rest takes minutes.
func isWhole() bool { return os.Getenv("PGBIND_DIST_ALL") != "" }

// wanted returns the platforms to test.
func wanted() []platform {
	if isWhole() {
		return platforms()
	}
	return []platform{{os: runtime.GOOS, arch: runtime.GOARCH}}
}

// dist is a release that goreleaser built in a clone of the last commit.
type dist struct {
	dir   string // the clone
	tools string // the directory of goreleaser and the programs that it runs
}

// local has what replaces the services of a real release.
type local struct {
	base, image string // the image, in a registry of the test, and its base
	key         string // that signs
}

// newDist builds a release of the last commit. The configuration differs from that of a real release as little as a test needs: it does not
// upload files, it takes images from and to a registry of the test, and it builds only for the platforms that the test wants.
func newDist(t *testing.T, services local) dist {
	t.Helper()
	tools := os.Getenv("PGBIND_DIST_TOOLS")
	require.True(t, filepath.IsAbs(tools), "PGBIND_DIST_TOOLS names the directory of goreleaser; make dist-test sets it")
	source, err := filepath.Abs(repository)
	require.NoError(t, err)
	d := dist{dir: filepath.Join(t.TempDir(), "clone"), tools: tools}
	output, err := exec.CommandContext(t.Context(), "git", "clone", "--quiet", source, d.dir).CombinedOutput() //nolint:gosec // this clone
	require.NoError(t, err, string(output))
	d.edit(t, "release:\n", "release:\n  disable: true\n")
	d.edit(t, "base_image: gcr.io/distroless/static:nonroot", "base_image: "+services.base)
	d.edit(t, "repositories: [ghcr.io/kubectl-pgbind/kubectl-pgbind]", "repositories: ["+services.image+"]")
	if !isWhole() {
		d.edit(t, "goos: [darwin, linux, windows]", "goos: ["+runtime.GOOS+"]")
		d.edit(t, "goarch: [amd64, arm64]", "goarch: ["+runtime.GOARCH+"]")
		d.edit(t, "platforms: [linux/amd64, linux/arm64]", "platforms: [linux/"+runtime.GOARCH+"]")
	}
	date := "2026-01-02T03:04:05Z" // the same for each clone
	d.run(t, []string{"GIT_AUTHOR_DATE=" + date, "GIT_COMMITTER_DATE=" + date},
		"git", "-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "--quiet", "--all", "--message=test")
	d.run(t, nil, "git", "tag", released)
	args := []string{"release", "--clean"}
	if !isWhole() {
		args = append(args, "--skip=sign,sbom,scoop")
	}
	d.run(t, []string{"GITHUB_TOKEN=unused", "COSIGN_KEY=" + services.key, "COSIGN_PASSWORD="}, filepath.Join(tools, "goreleaser"), args...)
	d.run(t, nil, "go", "run", "./plugins/dist", "krew", "-version", released)
	d.run(t, nil, "go", "run", "./plugins/dist", "manifests", "-version", released)
	return d
}

// edit replaces text of the configuration, which must occur once.
func (d dist) edit(t *testing.T, from, to string) {
	t.Helper()
	file := filepath.Join(d.dir, ".goreleaser.yaml")
	text := readFile(t, file)
	require.Equal(t, 1, strings.Count(text, from), from)
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(text, from, to, 1)), 0o600))
}

// run runs a program in the clone and returns its output.
func (d dist) run(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...) //nolint:gosec // the programs that the test names
	command.Dir = d.dir
	command.Env = append(append(os.Environ(), "PATH="+d.tools+":"+os.Getenv("PATH")), env...)
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s %s: %s", name, strings.Join(args, " "), output)
	return string(output)
}

// file returns the path of a file of the release.
func (d dist) file(name string) string { return filepath.Join(d.dir, "dist", name) }
