//go:build dist

package main

import (
	"compress/gzip"
	"io"
	"io/fs"
	"maps"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// checkPackages compares the files of the deb, the rpm and the apk with those of the archive.
func (d dist) checkPackages(t *testing.T) {
	for _, p := range wanted() {
		if p.os != "linux" {
			continue
		}
		archive := unpack(t, d.file(p.archive()))
		want := map[string]string{
			"usr/bin/kubectl-pgbind":                             archive["kubectl-pgbind"].content,
			"usr/bin/kubectl_complete-pgbind":                    archive["kubectl_complete-pgbind"].content,
			"usr/share/doc/kubectl-pgbind/copyright":             archive["LICENSE"].content,
			"usr/share/doc/kubectl-pgbind/THIRD_PARTY_NOTICES":   archive["THIRD_PARTY_NOTICES"].content,
			"usr/share/man/man1/" + "kubectl-pgbind-unbind.1.gz": archive["man/kubectl-pgbind-unbind.1"].content,
		}
		file := "kubectl-pgbind_linux_" + p.arch
		for kind, read := range map[string]func(*testing.T, string) map[string]string{".deb": readDeb, ".rpm": readPackage, ".apk": readPackage} {
			have := read(t, d.file(file+kind))
			for name, content := range want {
				_, exists := have[name]
				require.True(t, exists, "%s has no %s", kind, name)
				if strings.HasSuffix(name, ".gz") {
					have[name] = gunzip(t, have[name])
				}
				same := content == have[name] // too long to print
				assert.True(t, same, "%s: %s is the file of the archive", kind, name)
			}
			names := slices.Collect(maps.Keys(have))
			assert.Len(t, names, len(want)+len(d.commands(t))-1, "%s has no other files; of the man pages, want has one", kind)
		}
	}
}

func gunzip(t *testing.T, content string) string {
	t.Helper()
	reader, err := gzip.NewReader(strings.NewReader(content))
	require.NoError(t, err)
	text, err := io.ReadAll(reader)
	require.NoError(t, err)
	return string(text)
}

// readDeb returns the files that dpkg finds.
func readDeb(t *testing.T, file string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	unpackTo(t, dir, "dpkg-deb", "--extract", file, dir)
	return readDir(t, dir)
}

// readPackage returns the files that bsdtar finds.
func readPackage(t *testing.T, file string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	unpackTo(t, dir, "bsdtar", "-xf", file)
	return readDir(t, dir)
}

func unpackTo(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...) //nolint:gosec // the programs that the test names
	command.Dir = dir
	output, err := command.CombinedOutput()
	require.NoError(t, err, string(output))
}

// readDir returns the files below a directory, except for the metadata of an Alpine package.
func readDir(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if name := strings.TrimPrefix(path, dir+"/"); err == nil && !entry.IsDir() && !strings.HasPrefix(name, ".") {
			files[name] = readFile(t, path)
		}
		return err
	}))
	return files
}

// debian is an image of the test cluster that is made from Debian's packages.
const debian = "postgres:15"

// checkDeb installs and removes the package in a Debian container.
func (d dist) checkDeb(t *testing.T) {
	deb := "kubectl-pgbind_linux_" + runtime.GOARCH + ".deb"
	script := `dpkg --install /dist/` + deb + ` >/dev/null && kubectl-pgbind version && kubectl-pgbind completion | cmp - /usr/bin/kubectl_complete-pgbind &&
		dpkg --status kubectl-pgbind | grep ^Version && dpkg --purge kubectl-pgbind >/dev/null && ! ls /usr/bin | grep pgbind`
	output := d.run(t, nil, "docker", "run", "--rm", "--network=none", "--entrypoint=sh", "--user=root",
		"--volume="+filepath.Join(d.dir, "dist")+":/dist:ro", debian, "-ec", script)
	assert.Equal(t, released+"\nVersion: "+strings.TrimPrefix(released, "v")+"\n", output)
}
