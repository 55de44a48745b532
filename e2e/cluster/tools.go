package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// everyTool is Go's name for the packages in the tool lines of a go.mod.
const everyTool = "tool"

// tools builds packages of a module below e2e/cluster/tools, whose go.mod pins the version, and returns the folder of the binaries.
// It does not build again what was built from the same files.
func (w *workspace) tools(ctx context.Context, module string, packages ...string) (string, error) {
	target, err := w.toolFolder(module, packages...)
	if err != nil || fileExists(target) {
		return target, err
	}
	return target, w.steps.step("building "+module+" from Go modules", func() error {
		flags := "-s -w"
		if module == "kubernetes" {
			version, err := w.kubernetesVersion(ctx)
			if err != nil {
				return err
			}
			flags += versionFlags(version)
		}
		part := target + ".part"
		args := append([]string{"go", "build", "-trimpath", "-ldflags", flags, "-o", part + "/"}, packages...)
		build := command{args: args, dir: w.source("cluster", "tools", module), env: []string{"CGO_ENABLED=0", "GOWORK=off"}}
		if err := errors.Join(os.RemoveAll(part), os.Mkdir(part, 0o750)); err != nil {
			return err
		}
		if err := w.logged(ctx, "build-"+module, build); err != nil {
			return err
		}
		return os.Rename(part, target)
	})
}

// toolFolder names the folder by everything that affects the binaries.
func (w *workspace) toolFolder(module string, packages ...string) (string, error) {
	sum, err := fingerprint([]string{w.source("cluster", "tools", module)}, append(packages, runtime.Version())...)
	return w.file("tools", module+"-"+sum), err
}

func (w *workspace) kubernetesVersion(ctx context.Context) (string, error) {
	return w.output(ctx, "go", "-C", w.source("cluster", "tools", "kubernetes"), "list", "-m", "-f", "{{.Version}}", "k8s.io/kubernetes")
}

// versionFlags makes the binaries report their version; kubeadm refuses to work without it.
func versionFlags(version string) string {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	const variable = " -X k8s.io/component-base/version."
	return variable + "gitVersion=" + version + variable + "gitMajor=" + parts[0] + variable + "gitMinor=" + parts[1]
}

// kindCLI builds kind and links it into the bin folder. It returns the folder of kind and the other binaries of that build.
func (w *workspace) kindCLI(ctx context.Context) (string, error) {
	folder, err := w.tools(ctx, "kind", everyTool, "./...")
	if err != nil {
		return "", err
	}
	return folder, link(filepath.Join(folder, "kind"), w.bin())
}

// kubectl links kubectl into the bin folder: from the build of the node image if there was one, or else from a build of its own.
func (w *workspace) kubectl(ctx context.Context) error {
	folder, err := w.toolFolder("kubernetes", everyTool)
	if err != nil {
		return err
	}
	if !fileExists(folder) {
		if folder, err = w.tools(ctx, "kubernetes", "k8s.io/kubernetes/cmd/kubectl"); err != nil {
			return err
		}
	}
	return link(filepath.Join(folder, "kubectl"), w.bin())
}

// link makes folder/<base of target> a symbolic link to target.
func link(target, folder string) error {
	name := filepath.Join(folder, filepath.Base(target))
	if current, err := os.Readlink(name); err == nil && current == target {
		return nil
	}
	if err := os.RemoveAll(name); err != nil {
		return fmt.Errorf("removing the old link: %w", err)
	}
	return os.Symlink(target, name)
}

// kindFiles returns the folder with the files of kind's own node image.
func (w *workspace) kindFiles(ctx context.Context) (string, error) {
	folder, err := w.output(ctx, "go", "-C", w.source("cluster", "tools", "kind"), "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kind")
	return filepath.Join(folder, "images", "base", "files"), err
}
