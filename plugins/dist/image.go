package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// imageLine is how the manifests of contrib name the image of the program.
const imageLine = "image: kubectl-pgbind:dev"

// releasedManifests returns the manifests of a release by their names, each with the files of contrib that it consists of.
func releasedManifests() map[string][]string {
	const dir = "contrib/kustomize"
	return map[string][]string{
		"pgbind-rotate.yaml": {filepath.Join(dir, "rotate", "cronjob.yaml")},
		"pgbind-apply.yaml":  {filepath.Join(dir, "bind", "role.yaml"), filepath.Join(dir, "apply", "job.yaml")},
	}
}

// writeManifests writes the manifests of contrib next to the archives. They name the published image by its digest.
func writeManifests(version, dir string) error {
	image, err := publishedImage(version, filepath.Join(dir, "artifacts.json"))
	if err != nil {
		return err
	}
	for manifest, files := range releasedManifests() {
		var parts []string
		for _, file := range files {
			text, err := os.ReadFile(file) //nolint:gosec // a file of the repository
			if err != nil {
				return fmt.Errorf("read a manifest: %w", err)
			}
			parts = append(parts, string(text))
		}
		text := strings.Join(parts, "---\n")
		if !strings.Contains(text, imageLine) {
			return fmt.Errorf("%s: no line %q", manifest, imageLine)
		}
		if err := write(filepath.Join(dir, manifest), []byte(strings.ReplaceAll(text, imageLine, "image: "+image))); err != nil {
			return fmt.Errorf("write a manifest: %w", err)
		}
	}
	return nil
}

// publishedImage returns the name of the one image that goreleaser published, with tag and digest.
func publishedImage(version, file string) (string, error) {
	text, err := os.ReadFile(file) //nolint:gosec // the directory of the release
	if err != nil {
		return "", fmt.Errorf("read what goreleaser published: %w", err)
	}
	var artifacts []struct {
		Name, Type string
		Extra      struct{ Digest string }
	}
	if err := json.Unmarshal(text, &artifacts); err != nil {
		return "", fmt.Errorf("read what goreleaser published: %s: %w", file, err)
	}
	var images []string
	for _, a := range artifacts {
		if a.Type != "Docker Manifest" {
			continue
		}
		published, err := name.ParseReference(a.Name)
		if err != nil {
			return "", fmt.Errorf("read the name of the image in %s: %w", file, err)
		}
		image, err := name.NewDigest(published.Context().Name() + ":" + version + "@" + a.Extra.Digest)
		if err != nil {
			return "", fmt.Errorf("read the digest of the image in %s: %w", file, err)
		}
		images = append(images, image.String())
	}
	if len(images) != 1 {
		return "", fmt.Errorf("%s contains %d images, want 1", file, len(images))
	}
	return images[0], nil
}
