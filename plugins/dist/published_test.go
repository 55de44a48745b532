//go:build dist

package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// startRegistry starts a registry and returns its address.
func startRegistry(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// linux returns the platforms of the image.
func linux() []v1.Platform {
	var found []v1.Platform
	for _, p := range platforms() {
		if p.os == "linux" && (isWhole() || p.arch == runtime.GOARCH) {
			found = append(found, v1.Platform{OS: p.os, Architecture: p.arch})
		}
	}
	return found
}

// pushBase pushes an empty base image for each platform and returns its name.
func pushBase(t *testing.T, images string) string {
	t.Helper()
	var index v1.ImageIndex = empty.Index
	for _, p := range linux() {
		base, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: p.OS, Architecture: p.Architecture})
		require.NoError(t, err)
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: base, Descriptor: v1.Descriptor{Platform: &p}})
	}
	ref, err := name.ParseReference(images + "/base:latest")
	require.NoError(t, err)
	require.NoError(t, remote.WriteIndex(ref, index))
	return ref.String()
}

// checkImage requires an image for each platform that starts the program.
func checkImage(t *testing.T, image string) {
	t.Helper()
	ref, err := name.ParseReference(image)
	require.NoError(t, err)
	published, err := remote.Get(ref)
	require.NoError(t, err)
	if !published.MediaType.IsIndex() { // one platform
		one, err := published.Image()
		require.NoError(t, err)
		found := []v1.Platform{startsProgram(t, one)}
		assert.Equal(t, linux(), found)
		return
	}
	index, err := published.ImageIndex()
	require.NoError(t, err)
	manifest, err := index.IndexManifest()
	require.NoError(t, err)
	var found []v1.Platform
	for _, m := range manifest.Manifests {
		one, err := index.Image(m.Digest)
		require.NoError(t, err)
		p := startsProgram(t, one)
		assert.Equal(t, v1.Platform{OS: m.Platform.OS, Architecture: m.Platform.Architecture}, p)
		found = append(found, p)
	}
	assert.ElementsMatch(t, linux(), found)
}

// startsProgram returns the platform of an image that starts the program.
func startsProgram(t *testing.T, image v1.Image) v1.Platform {
	t.Helper()
	config, err := image.ConfigFile()
	require.NoError(t, err)
	assert.Equal(t, []string{"/ko-app/kubectl-pgbind"}, config.Config.Entrypoint)
	return v1.Platform{OS: config.OS, Architecture: config.Architecture}
}

// checkManifests reads the manifests as kubectl does, and requires that they name the image that the registry has. The digest is that of
// what the registry sends.
func (d dist) checkManifests(t *testing.T, image string) {
	t.Helper()
	registry, repository, _ := strings.Cut(image, "/")
	request, err := http.NewRequestWithContext(
		t.Context(),
		http.MethodGet,
		"http://"+registry+"/v2/"+repository+"/manifests/"+released,
		nil,
	)
	require.NoError(t, err)
	request.Header.Set("Accept", string(types.OCIImageIndex)+","+string(types.OCIManifestSchema1))
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	index, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, string(index))
	want := fmt.Sprintf("%s:%s@sha256:%x", image, released, sha256.Sum256(index))

	kubectl := os.Getenv("PGBIND_E2E_KUBECTL")
	for name, count := range map[string]int{"pgbind-rotate.yaml": 2, "pgbind-apply.yaml": 1} {
		folder := t.TempDir()
		kustomization := "namespace: shop\nresources: [" + name + "]\n"
		require.NoError(t, os.WriteFile(filepath.Join(folder, "kustomization.yaml"), []byte(kustomization), 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(readFile(t, d.file(name))), 0o600))
		rendered := d.run(t, nil, kubectl, "kustomize", folder)
		images := regexp.MustCompile(`(?m)^\s*(?:- )?image: (.*)$`).FindAllStringSubmatch(rendered, -1)
		assert.Len(t, images, count, name)
		for _, found := range images {
			assert.Equal(t, want, found[1], name)
		}
		for _, kind := range []string{"ServiceAccount", "Role", "RoleBinding"} {
			assert.Regexp(t, `(?m)^kind: `+kind+`$`, rendered, name)
		}
	}
}
