package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// debianPackages installs packages from the machine's own Debian mirror, unless their program exists already.
func (w *workspace) debianPackages(ctx context.Context, program string, packages ...string) error {
	if _, err := exec.LookPath(program); err == nil {
		return nil
	}
	if !fileExists("/etc/debian_version") || os.Geteuid() != 0 {
		return fmt.Errorf(
			"%s is missing, and only root on Debian can install it: install %s yourself", program,
			strings.Join(packages, " "),
		)
	}
	return w.steps.step("installing "+strings.Join(packages, " "), func() error {
		// A third-party source that does not answer must not prevent the update. If a package is missing, the installation fails.
		if err := w.logged(ctx, "apt-update", command{args: []string{"apt-get", "update"}}); err != nil {
			w.steps.say("    going on although: %v", err)
		}
		install := append([]string{"apt-get", "install", "--yes", "--no-install-recommends"}, packages...)
		return w.logged(ctx, "apt-install", command{args: install, env: []string{"DEBIAN_FRONTEND=noninteractive"}})
	})
}

// mirror returns the Debian archive that this machine's apt uses.
func (w *workspace) mirror(ctx context.Context) (string, error) {
	lines, err := w.output(ctx, "apt-get", "indextargets", "--format", "$(REPO_URI)",
		"Created-By: Packages", "Origin: Debian", "Label: Debian")
	if err != nil {
		return "", err
	}
	first, _, _ := strings.Cut(lines, "\n")
	if first == "" {
		return "", errors.New("apt knows no Debian archive: run apt-get update, and look at the sources in /etc/apt")
	}
	return first, nil
}

// baseImage makes the image of a minimal Debian suite, from packages alone, and returns its name.
func (w *workspace) baseImage(ctx context.Context, suite string) (string, error) {
	tag := "pgbind-debian:" + suite
	sum, err := fingerprint([]string{w.source("images", "debian")}, suite)
	if err != nil || w.imageSum(ctx, tag) == sum {
		return tag, err
	}
	if err := w.debianPackages(ctx, "debootstrap", "debootstrap"); err != nil {
		return "", err
	}
	return tag, w.steps.step("making a base image of Debian "+suite, func() error {
		root, remove, err := w.scratch("debian-" + suite)
		if err != nil {
			return err
		}
		defer remove()
		if err := w.debootstrap(ctx, suite, root); err != nil {
			return err
		}
		script := w.source("images", "debian", "import")
		return w.logged(ctx, "import-"+suite, command{args: []string{script, root, tag, sumLabel + "=" + sum}})
	})
}

func (w *workspace) debootstrap(ctx context.Context, suite, root string) error {
	mirror, err := w.mirror(ctx)
	if err != nil {
		return err
	}
	args := []string{"debootstrap", "--variant=minbase", suite, root, mirror}
	const scripts = "/usr/share/debootstrap/scripts"
	if !fileExists(filepath.Join(scripts, suite)) {
		// A suite that is newer than this debootstrap is installed like the development suite.
		args = append(args, filepath.Join(scripts, "sid"))
	}
	return w.logged(ctx, "debootstrap-"+suite, command{args: args})
}
