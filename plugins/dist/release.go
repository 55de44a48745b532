package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// versionVariable is set by the linker, so that "kubectl pgbind version" prints the release.
const versionVariable = "github.com/kubectl-pgbind/kubectl-pgbind/pkg/version.value"

// release is one version, its platforms, and the directory for its files.
type release struct {
	version, dir string
	platforms    []platform
}

// make writes the archives (unless it keeps those of another builder), their checksums and the manifest.
func (r *release) make(ctx context.Context, keepArchives bool) error {
	template, err := readManifest(manifestFile)
	if err != nil {
		return err
	}
	if !versionPattern.MatchString(r.version) {
		return fmt.Errorf("invalid version %q: use the form of a tag, for example v1.2.3", r.version)
	}
	if !keepArchives {
		if err := r.makeArchives(ctx); err != nil {
			return err
		}
	}
	sums, err := r.sums()
	if err != nil {
		return err
	}
	if err := r.writeChecksums(sums); err != nil {
		return err
	}
	return template.rendered(r.version, sums).write(filepath.Join(r.dir, template.Metadata.Name+".yaml"))
}

func (r *release) makeArchives(ctx context.Context) error {
	if err := os.MkdirAll(r.dir, 0o750); err != nil {
		return fmt.Errorf("create the directory for the archives: %w", err)
	}
	modified, err := commitTime(ctx)
	if err != nil {
		return err
	}
	for _, p := range r.platforms {
		if err := r.makeArchive(ctx, p, modified); err != nil {
			return fmt.Errorf("%s: %w", p.archive(), err)
		}
	}
	return nil
}

// makeArchive builds the plugin for the platform and packs it.
func (r *release) makeArchive(ctx context.Context, p platform, modified time.Time) error {
	binary := filepath.Join(r.dir, p.os+"_"+p.arch, p.binary())
	build := exec.CommandContext( //nolint:gosec // the version has been checked
		ctx,
		"go",
		"build",
		"-trimpath",
		"-buildvcs=false",
		"-ldflags",
		"-s -w -X "+versionVariable+"="+r.version,
		"-o",
		binary,
		"./cmd/kubectl-pgbind",
	)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+p.os, "GOARCH="+p.arch)
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w: %s", err, output)
	}
	files := []packed{{name: "LICENSE", source: "LICENSE", mode: 0o644}, {name: p.binary(), source: binary, mode: 0o755}}
	return p.pack()(filepath.Join(r.dir, p.archive()), files, modified)
}

// commitTime returns the time of the commit that is built, so that the archives do not depend on the time of the build.
// Without a repository, SOURCE_DATE_EPOCH sets it.
func commitTime(ctx context.Context) (time.Time, error) {
	seconds := os.Getenv("SOURCE_DATE_EPOCH")
	if seconds == "" {
		output, err := exec.CommandContext(ctx, "git", "log", "-1", "--format=%ct").Output()
		if err != nil {
			return time.Time{}, fmt.Errorf("find the commit's time: %w; outside a repository, set SOURCE_DATE_EPOCH", err)
		}
		seconds = strings.TrimSpace(string(output))
	}
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("read the commit's time: %w", err)
	}
	return time.Unix(unix, 0).UTC(), nil
}
