package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// controlPlaneImages creates the images that kubeadm requires, with the names that it prints, and returns the names.
func (w *workspace) controlPlaneImages(ctx context.Context, base string, programs map[string]string) ([]string, error) {
	names, err := w.requiredImages(ctx, programs["kubernetes"])
	if err != nil {
		return nil, err
	}
	return names, w.steps.step("making the control plane's images", func() error {
		for _, name := range names {
			if err := w.controlPlaneImage(ctx, name, base, programs); err != nil {
				return err
			}
		}
		return nil
	})
}

// requiredImages asks kubeadm, except for the pause image, which kind's containerd configuration names.
func (w *workspace) requiredImages(ctx context.Context, kubernetes string) ([]string, error) {
	version, err := w.kubernetesVersion(ctx)
	if err != nil {
		return nil, err
	}
	kubeadm := filepath.Join(kubernetes, "kubeadm")
	list, err := w.output(ctx, kubeadm, "config", "images", "list", "--kubernetes-version", version)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, name := range strings.Fields(list) {
		if component(name) != "pause" {
			names = append(names, name)
		}
	}
	pause, err := w.sandboxImage(ctx)
	return append(names, pause), err
}

func (w *workspace) sandboxImage(ctx context.Context) (string, error) {
	files, err := w.kindFiles(ctx)
	if err != nil {
		return "", err
	}
	config, err := os.ReadFile(filepath.Join(files, "etc", "containerd", "config.toml")) //nolint:gosec // a file of kind's module
	if err != nil {
		return "", fmt.Errorf("reading kind's containerd configuration: %w", err)
	}
	found := regexp.MustCompile(`(?m)^\s*sandbox_image\s*=\s*"([^"]+)"`).FindSubmatch(config)
	if found == nil {
		return "", errors.New("kind's containerd configuration names no sandbox image")
	}
	return string(found[1]), nil
}

func (w *workspace) controlPlaneImage(ctx context.Context, image, base string, programs map[string]string) error {
	name := component(image)
	switch name {
	case "kube-proxy":
		return w.proxyImage(ctx, image, base, programs["kubernetes"])
	case "etcd":
		// The module's last element is a major version: Go names the binary after the element before it.
		return w.programImage(ctx, program{image: image, binary: filepath.Join(programs["etcd"], "server"), name: name})
	}
	folder := cmp.Or(programs[name], programs["kubernetes"])
	return w.programImage(ctx, program{image: image, binary: filepath.Join(folder, name)})
}

// proxyImage differs from the others: kube-proxy calls iptables.
func (w *workspace) proxyImage(ctx context.Context, image, base, kubernetes string) error {
	folder, remove, err := w.scratch("kube-proxy")
	if err != nil {
		return err
	}
	defer remove()
	if err := os.CopyFS(folder, os.DirFS(w.source("images", "kube-proxy"))); err != nil {
		return err
	}
	if err := copyProgram(filepath.Join(kubernetes, "kube-proxy"), folder); err != nil {
		return err
	}
	return w.build(ctx, recipe{image: image, folder: folder, arguments: []string{"BASE=" + base}})
}

// component returns the last part of an image's name, without the tag.
func component(image string) string {
	name, _, _ := strings.Cut(path.Base(image), ":")
	return name
}

// copyProgram copies a binary into a folder, which it creates.
func copyProgram(from, folder string) error {
	content, err := os.ReadFile(from) //nolint:gosec // a program that was built here
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, filepath.Base(from)), content, 0o755) //nolint:gosec // programs are executable
}
