package main

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"os"
	"time"
)

const (
	// sumLabel is the label that tells from which sources an image of ours was built.
	sumLabel = "kubectl-pgbind.fingerprint"
	// registryLimit bounds the question whether a registry can be reached.
	registryLimit = 8 * time.Second
)

// hasImage tells whether the engine has the image.
func (w *workspace) hasImage(ctx context.Context, image string) bool {
	_, err := w.output(ctx, "docker", "image", "inspect", "--format", "{{.Id}}", image)
	return err == nil
}

// imageSum returns the fingerprint of an image that was built here, and nothing for any other.
func (w *workspace) imageSum(ctx context.Context, image string) string {
	format := fmt.Sprintf("{{index .Config.Labels %q}}", sumLabel)
	sum, err := w.output(ctx, "docker", "image", "inspect", "--format", format, image)
	if err != nil {
		return ""
	}
	return sum
}

// pull gets an image from its registry, and tells whether that worked. A registry that does not answer soon counts as none.
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

// build runs docker build on a folder, with the arguments as NAME=VALUE, and labels the image with its fingerprint.
func (w *workspace) build(ctx context.Context, image, folder string, sum string, arguments ...string) error {
	args := []string{"docker", "build", "--network=host", "--force-rm", "--tag", image, "--label", sumLabel + "=" + sum}
	for _, argument := range arguments {
		args = append(args, "--build-arg", argument)
	}
	return w.logged(ctx, "image-"+logName(image), command{args: append(args, folder)})
}

// binaryImage makes an image that holds nothing but one static program, as /usr/local/bin/NAME, and runs it.
func (w *workspace) binaryImage(ctx context.Context, image, name, binary string) error {
	path := "/usr/local/bin/" + name
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(writeProgram(writer, path, binary)) }()
	return w.logged(ctx, "image-"+logName(image), command{
		args: []string{"docker", "import",
			"--change", fmt.Sprintf("ENTRYPOINT [%q]", path), "--change", "ENV PATH=/usr/local/bin", "-", image},
		stdin: reader,
	})
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
