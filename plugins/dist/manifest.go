package main

import (
	"fmt"
	"os"
	"path"
	"regexp"

	"sigs.k8s.io/yaml"
)

// manifestFile is the template of the manifests of releases.
const manifestFile = "krew-manifest.yaml"

// versionPattern matches a semantic version with the prefix v, which krew requires.
var versionPattern = regexp.MustCompile(`^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$`)

// manifest contains the fields of krew's Plugin that this project uses.
type manifest struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   metadata `json:"metadata"`
	Spec       spec     `json:"spec"`
}

type metadata struct {
	Name string `json:"name"`
}

type spec struct {
	Version          string     `json:"version"`
	Homepage         string     `json:"homepage"`
	ShortDescription string     `json:"shortDescription"`
	Description      string     `json:"description"`
	Caveats          string     `json:"caveats"`
	Platforms        []download `json:"platforms"`
}

// download is the archive of one platform.
type download struct {
	Selector selector `json:"selector"`
	URI      string   `json:"uri"`
	SHA256   string   `json:"sha256"`
	Bin      string   `json:"bin"`
}

type selector struct {
	MatchLabels map[string]string `json:"matchLabels"`
}

// readManifest reads a manifest. krew ignores unknown fields; here they are errors, because they are typing mistakes.
func readManifest(file string) (manifest, error) {
	text, err := os.ReadFile(file) //nolint:gosec // a file of the repository
	if err != nil {
		return manifest{}, fmt.Errorf("read the krew manifest: %w", err)
	}
	var m manifest
	if err := yaml.UnmarshalStrict(text, &m); err != nil {
		return manifest{}, fmt.Errorf("read the krew manifest %s: %w", file, err)
	}
	return m, nil
}

// rendered returns the manifest of a release with archives of these names and sums.
func (m manifest) rendered(version string, sums map[string]string) manifest {
	m.Spec.Version = version
	downloads := make([]download, 0, len(m.Spec.Platforms))
	for _, d := range m.Spec.Platforms {
		archive := path.Base(d.URI)
		if sum, made := sums[archive]; made {
			d.URI, d.SHA256 = m.Spec.Homepage+"/releases/download/"+version+"/"+archive, sum
			downloads = append(downloads, d)
		}
	}
	m.Spec.Platforms = downloads
	return m
}

func (m manifest) write(file string) error {
	text, err := yaml.Marshal(m)
	if err != nil {
		return fmt.Errorf("write the krew manifest: %w", err)
	}
	if err := write(file, text); err != nil {
		return fmt.Errorf("write the krew manifest: %w", err)
	}
	return nil
}
