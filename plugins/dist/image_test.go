package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPublishedImage_HasTagAndDigest(t *testing.T) {
	digest := "sha256:" + strings.Repeat("0123456789abcdef", 4)
	published := func(names ...string) string {
		artifacts := []string{`{"name": "checksums.txt", "type": "Checksum", "extra": {}}`}
		for _, name := range names {
			artifacts = append(artifacts, `{"name": "`+name+`", "type": "Docker Manifest", "extra": {"Digest": "`+digest+`"}}`)
		}
		return "[" + strings.Join(artifacts, ",") + "]"
	}
	const image = "ghcr.io/kubectl-pgbind/kubectl-pgbind"
	for _, test := range []struct{ artifacts, want, problem string }{
		{artifacts: published(image + ":v1.2.3@" + digest), want: image + ":v1.2.3@" + digest},
		{artifacts: published(image + "@" + digest), want: image + ":v1.2.3@" + digest},
		{artifacts: published(), problem: "contains 0 images, want 1"},
		{artifacts: published(image+"@"+digest, image+"-debug@"+digest), problem: "contains 2 images, want 1"},
		{artifacts: strings.ReplaceAll(published(image+":v1.2.3"), digest, ""), problem: "read the digest"},
		{artifacts: published("Not An Image"), problem: "read the name"},
		{artifacts: "{}", problem: "artifacts.json"},
	} {
		file := filepath.Join(t.TempDir(), "artifacts.json")
		require.NoError(t, os.WriteFile(file, []byte(test.artifacts), 0o600))
		got, err := publishedImage("v1.2.3", file)
		if test.problem != "" {
			require.ErrorContains(t, err, test.problem)
			continue
		}
		require.NoError(t, err, test.artifacts)
		assert.Equal(t, test.want, got)
	}
}

// TestReleasedManifests_NameAnImage requires that each file exists, and that no manifest of contrib with an image is forgotten.
func TestReleasedManifests_NameAnImage(t *testing.T) {
	released := map[string]bool{}
	for _, files := range releasedManifests() {
		for _, file := range files {
			readFile(t, filepath.Join(repository, file))
			released[file] = true
		}
	}
	files, err := filepath.Glob(filepath.Join(repository, "contrib", "kustomize", "*", "*.yaml"))
	require.NoError(t, err)
	var images int
	for _, file := range files {
		relative, err := filepath.Rel(repository, file)
		require.NoError(t, err)
		found := strings.Count(readFile(t, file), "image:")
		assert.Equal(t, strings.Count(readFile(t, file), imageLine), found, "%s names the image of the tests", relative)
		if found > 0 {
			assert.True(t, released[relative], relative)
			images += found
		}
	}
	assert.Equal(t, 3, images)
}
