package main

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const repository = "../.."

// checkManifest applies the rules of krew's validator and of the index's reviewers.
func checkManifest(t *testing.T, m manifest, wanted []platform) {
	t.Helper()
	assert.Equal(t, "krew.googlecontainertools.github.com/v1alpha2", m.APIVersion)
	assert.Equal(t, "Plugin", m.Kind)
	assert.Regexp(t, `^[a-z][a-z0-9-]*$`, m.Metadata.Name)
	assert.Regexp(t, versionPattern, m.Spec.Version)
	assert.Regexp(t, `^[A-Z][^\n]{0,49}$`, m.Spec.ShortDescription)
	assert.NotRegexp(t, `\.$`, m.Spec.ShortDescription)
	assert.NotEmpty(t, m.Spec.Description)
	for line := range strings.Lines(m.Spec.Description) {
		assert.LessOrEqual(t, len(strings.TrimRight(line, "\n")), 80, line)
	}
	for _, word := range []string{"pods/exec", "kubectl pgbind completion"} {
		assert.Contains(t, m.Spec.Caveats, word)
	}
	assert.Equal(t, "https://github.com/kubectl-pgbind/kubectl-pgbind", m.Spec.Homepage)
	var served []platform
	for _, d := range m.Spec.Platforms {
		served = append(served, checkDownload(t, m, d))
	}
	assert.ElementsMatch(t, wanted, served, "each platform occurs once")
}

func checkDownload(t *testing.T, m manifest, d download) platform {
	t.Helper()
	assert.Len(t, d.Selector.MatchLabels, 2)
	p := platform{os: d.Selector.MatchLabels["os"], arch: d.Selector.MatchLabels["arch"]}
	assert.Equal(t, m.Spec.Homepage+"/releases/download/"+m.Spec.Version+"/"+p.archive(), d.URI)
	assert.Regexp(t, `^[0-9a-f]{64}$`, d.SHA256, "the checksum is in lower case")
	assert.Equal(t, p.binary(), d.Bin)
	return p
}

func TestManifest_FollowsRules(t *testing.T) {
	template, err := readManifest(filepath.Join(repository, manifestFile))
	require.NoError(t, err)
	assert.Equal(t, "v0.0.0", template.Spec.Version, "the template has no version")
	checkManifest(t, template, platforms())

	t.Run("release", func(t *testing.T) {
		sums := someSums()
		release := template.rendered("v1.2.3-rc.1", sums)
		file := filepath.Join(t.TempDir(), "pgbind.yaml")
		require.NoError(t, release.write(file))
		read, err := readManifest(file)
		require.NoError(t, err)
		assert.Equal(t, release, read)
		checkManifest(t, read, platforms())
		for _, d := range read.Spec.Platforms {
			assert.Equal(t, sums[path.Base(d.URI)], d.SHA256)
		}
		assert.Equal(t, "v0.0.0", template.Spec.Version, "the template is unchanged")
	})
}

// someSums returns a different sum for every archive.
func someSums() map[string]string {
	sums := map[string]string{}
	for i, p := range platforms() {
		sums[p.archive()] = strings.Repeat(string("0123456789abcdef"[i]), 64)
	}
	return sums
}

func TestReadManifest_RejectsUnknownField(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pgbind.yaml")
	require.NoError(t, os.WriteFile(file, []byte("kind: Plugin\nspec: {shortDesription: x}\n"), 0o600))
	_, err := readManifest(file)
	require.ErrorContains(t, err, "shortDesription")
}

func TestVersionPattern_MatchesTags(t *testing.T) {
	for _, version := range []string{"v1.2.3", "v0.1.0", "v1.0.0-rc.1"} {
		assert.Regexp(t, versionPattern, version)
	}
	for _, version := range []string{"", "1.2.3", "v1.2", "v01.0.0", "v1.0.0 -X main.x=y", "v1.0.0-", "latest"} {
		assert.NotRegexp(t, versionPattern, version)
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name) //nolint:gosec // a file of the test or the repository
	require.NoError(t, err)
	return string(content)
}
