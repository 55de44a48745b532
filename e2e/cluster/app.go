package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

const appImage = "pgbind-app:dev"

// app builds the web app without C, puts it alone into an image, and loads that into the cluster.
func (w *workspace) app(ctx context.Context) error {
	folder, err := os.MkdirTemp(w.cache, "app-")
	if err != nil {
		return fmt.Errorf("making the build folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	binary := filepath.Join(folder, "app")
	err = w.steps.step("building the web app's image "+appImage, func() error {
		build := command{
			args: []string{"go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "."},
			dir:  w.source("app"),
			env:  []string{"CGO_ENABLED=0"},
		}
		if err := w.logged(ctx, "build-app", build); err != nil {
			return err
		}
		return w.binaryImage(ctx, appImage, "app", binary)
	})
	if err != nil {
		return err
	}
	return w.load(ctx, appImage)
}
