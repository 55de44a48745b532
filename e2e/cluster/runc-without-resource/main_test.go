package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRewrite(t *testing.T) {
	const (
		process = `{"args":["x"],"capabilities":{"bounding":["CAP_CHOWN","CAP_SYS_RESOURCE"],"ambient":["CAP_SYS_RESOURCE"]},"big":12345678901234567890}`
		without = `{"args":["x"],"capabilities":{"bounding":["CAP_CHOWN"],"ambient":[]},"big":12345678901234567890}`
	)
	for name, tc := range map[string]struct {
		args   []string
		before string
		after  string
	}{
		"create": {
			args:   []string{"--root", "/run", "create", "--bundle", "BUNDLE", "--pid-file", "p", "id"},
			before: `{"process":` + process + `,"root":{}}`, after: `{"process":` + without + `,"root":{}}`,
		},
		"run": {
			args:   []string{"run", "--bundle", "BUNDLE", "id"},
			before: `{"process":` + process + `}`, after: `{"process":` + without + `}`,
		},
		"exec": {
			args:   []string{"--log", "l", "exec", "--process", "BUNDLE/config.json", "id"},
			before: process, after: without,
		},
		"a call that names no file": {
			args:   []string{"--root", "/run", "delete", "--force", "id"},
			before: process, after: process,
		},
		"no capabilities at all": {
			args:   []string{"create", "--bundle", "BUNDLE", "id"},
			before: `{"process":{}}`, after: `{"process":{}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			bundle := t.TempDir()
			file := filepath.Join(bundle, "config.json")
			require.NoError(t, os.WriteFile(file, []byte(tc.before), 0o600))
			for i, arg := range tc.args {
				if arg == "BUNDLE" || arg == "BUNDLE/config.json" {
					tc.args[i] = bundle + arg[len("BUNDLE"):]
				}
			}

			require.NoError(t, rewrite(tc.args))

			after, err := os.ReadFile(file) //nolint:gosec // a file of this test
			require.NoError(t, err)
			assert.JSONEq(t, tc.after, string(after))
		})
	}
}

func TestRewriteOfMissingBundle(t *testing.T) {
	err := rewrite([]string{"create", "--bundle", filepath.Join(t.TempDir(), "gone"), "id"})
	require.ErrorIs(t, err, os.ErrNotExist)
}
