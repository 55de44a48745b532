package main

import (
	"archive/tar"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

const (
	// sumLabel is the label with the fingerprint of an image that was built here.
	sumLabel = "kubectl-pgbind.fingerprint"
	// registryLimit is how long to wait for a registry.
	registryLimit = 8 * time.Second
)

// hasImage returns whether the engine has the image.
func (w *workspace) hasImage(ctx context.Context, image string) bool {
	_, err := w.output(ctx, "docker", "image", "inspect", "--format", "{{.Id}}", image)
	return err == nil
}

// imageSum returns the fingerprint of an image that was built here; empty for any other.
func (w *workspace) imageSum(ctx context.Context, image string) string {
	format := fmt.Sprintf("{{index .Config.Labels %q}}", sumLabel)
	sum, err := w.output(ctx, "docker", "image", "inspect", "--format", format, image)
	if err != nil {
		return ""
	}
	return sum
}

// pull pulls an image, and returns whether that succeeded. A registry that does not answer soon counts as missing.
func (w *workspace) pull(ctx context.Context, image string) bool {
	ask, cancel := context.WithTimeout(ctx, registryLimit)
	defer cancel()
	if _, err := w.output(ask, "docker", "manifest", "inspect", image); err != nil {
		w.steps.say("%s is in no registry in reach, it will be built", image)
		return false
	}
	err := w.steps.step("pulling "+image, func() error {
		return w.logged(ctx, "pull", command{args: []string{"docker", "pull", image}})
	})
	if err != nil {
		w.steps.say("it will be built, since %v", err)
	}
	return err == nil
}

// recipe describes an image that docker build creates from a folder.
type recipe struct {
	image     string
	folder    string
	sum       string   // the fingerprint, which becomes a label
	arguments []string // NAME=VALUE
}

// build builds the image of a recipe.
func (w *workspace) build(ctx context.Context, r recipe) error {
	args := []string{"docker", "build", "--network=host", "--force-rm", "--tag", r.image, "--label", sumLabel + "=" + r.sum}
	for _, argument := range r.arguments {
		args = append(args, "--build-arg", argument)
	}
	if err := w.logged(ctx, "image-"+logName(r.image), command{args: append(args, r.folder)}); err != nil {
		return err
	}
	return w.prune(ctx)
}

// prune removes images that were built here and that a newer one replaced, and images that only a build needed.
func (w *workspace) prune(ctx context.Context) error {
	_, err := w.output(ctx, "docker", "image", "prune", "--force", "--filter", "label="+sumLabel)
	return err
}

// program describes an image that contains only one static program.
type program struct {
	image  string
	binary string // the program on this machine
	name   string // the program in the image, below /usr/local/bin; empty means the same name
	user   string // empty means root
}

// programImage builds the image of a program.
func (w *workspace) programImage(ctx context.Context, p program) error {
	path := "/usr/local/bin/" + cmp.Or(p.name, filepath.Base(p.binary))
	reader, writer := io.Pipe()
	defer func() { _ = reader.Close() }()
	go func() { writer.CloseWithError(writeProgram(writer, path, p.binary)) }()
	err := w.logged(ctx, "image-"+logName(p.image), command{
		args: []string{"docker", "import",
			"--change", "LABEL " + sumLabel + "=program",
			"--change", fmt.Sprintf("ENTRYPOINT [%q]", path),
			"--change", "ENV PATH=/usr/local/bin",
			"--change", "USER " + cmp.Or(p.user, "0"), "-", p.image},
		stdin: reader,
	})
	if err != nil {
		return err
	}
	return w.prune(ctx)
}

func writeProgram(to io.Writer, path, binary string) error {
	file, err := os.Open(binary) //nolint:gosec // a program that was built here
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	archive := tar.NewWriter(to)
	if err := archive.WriteHeader(&tar.Header{Name: path[1:], Mode: 0o755, Size: info.Size()}); err != nil {
		return err
	}
	if _, err := io.Copy(archive, file); err != nil {
		return err
	}
	return archive.Close()
}
