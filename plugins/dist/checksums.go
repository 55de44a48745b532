package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// sums returns the SHA-256 of each archive by name.
func (r *release) sums() (map[string]string, error) {
	sums := map[string]string{}
	for _, p := range r.platforms {
		sum, err := sumOf(filepath.Join(r.dir, p.archive()))
		if err != nil {
			return nil, err
		}
		sums[p.archive()] = sum
	}
	return sums, nil
}

// sumOf returns a file's SHA-256 in krew's format: hexadecimal, in lower case.
func sumOf(file string) (string, error) {
	content, err := os.ReadFile(file) //nolint:gosec // the caller's own directory
	if err != nil {
		return "", fmt.Errorf("read an archive: %w", err)
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:]), nil
}

// writeChecksums writes the file that "sha256sum --check" reads.
func (r *release) writeChecksums(sums map[string]string) error {
	text := &strings.Builder{}
	for _, p := range r.platforms {
		fmt.Fprintf(text, "%s  %s\n", sums[p.archive()], p.archive())
	}
	if err := os.WriteFile(filepath.Join(r.dir, "checksums.txt"), []byte(text.String()), 0o600); err != nil {
		return fmt.Errorf("write the checksums: %w", err)
	}
	return nil
}
