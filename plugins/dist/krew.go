package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// writeKrewManifest writes the krew manifest of a release next to its archives. The template has the platforms, checksums.txt the sums.
func writeKrewManifest(version, dir string) error {
	template, err := readManifest(manifestFile)
	if err != nil {
		return err
	}
	if !versionPattern.MatchString(version) {
		return fmt.Errorf("invalid version %q: use the form of a tag, for example v1.2.3", version)
	}
	sums, err := readChecksums(filepath.Join(dir, "checksums.txt"))
	if err != nil {
		return err
	}
	m := template.rendered(version, sums)
	if len(m.Spec.Platforms) == 0 {
		return fmt.Errorf("%s contains no archive for krew", filepath.Join(dir, "checksums.txt"))
	}
	return m.write(filepath.Join(dir, m.Metadata.Name+".yaml"))
}

// readChecksums returns the SHA-256 of each file by its name, from what sha256sum prints.
func readChecksums(file string) (map[string]string, error) {
	opened, err := os.Open(file) //nolint:gosec // the directory of the release
	if err != nil {
		return nil, fmt.Errorf("read the checksums: %w", err)
	}
	defer func() { _ = opened.Close() }() // it is only read
	sums := map[string]string{}
	lines := bufio.NewScanner(opened)
	for lines.Scan() {
		sum, name, ok := strings.Cut(lines.Text(), "  ")
		if !ok {
			return nil, fmt.Errorf("read the checksums: %s: unexpected line %q", file, lines.Text())
		}
		sums[name] = sum
	}
	return sums, lines.Err() //nolint:wrapcheck // names the file
}
