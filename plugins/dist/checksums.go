package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// sums reads the archives and returns the SHA-256 of each by its name.
func (r *release) sums() (map[string]string, error) {
	sums := map[string]string{}
	for _, p := range platforms() {
		content, err := os.ReadFile(filepath.Join(r.dir, p.archive()))
		if err != nil {
			return nil, fmt.Errorf("read an archive: %w", err)
		}
		sum := sha256.Sum256(content)
		sums[p.archive()] = hex.EncodeToString(sum[:])
	}
	return sums, nil
}

// writeChecksums writes what "sha256sum --check" reads.
func (r *release) writeChecksums(sums map[string]string) error {
	text := &strings.Builder{}
	for _, p := range platforms() {
		fmt.Fprintf(text, "%s  %s\n", sums[p.archive()], p.archive())
	}
	if err := os.WriteFile(filepath.Join(r.dir, "checksums.txt"), []byte(text.String()), 0o600); err != nil {
		return fmt.Errorf("write the checksums: %w", err)
	}
	return nil
}
