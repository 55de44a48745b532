package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// fingerprintLength keeps folder names and labels short; a clash would need thousands of versions of one build.
const fingerprintLength = 12

// fingerprint returns a short hash of all files below the folders and of the texts. Equal fingerprints mean equal builds.
func fingerprint(folders []string, texts ...string) (string, error) {
	hash := sha256.New()
	for _, folder := range folders {
		if err := hashFolder(hash, folder); err != nil {
			return "", fmt.Errorf("hashing %s: %w", folder, err)
		}
	}
	for _, text := range texts {
		hash.Write(fmt.Appendf(nil, "%q\n", text))
	}
	return hex.EncodeToString(hash.Sum(nil))[:fingerprintLength], nil
}

func hashFolder(hash io.Writer, folder string) error {
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path) //nolint:gosec // files of the checkout
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(hash, "%q %d\n%s\n", name, len(content), content)
		return err
	})
}
