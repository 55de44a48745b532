package main

import (
	"context"
	"path/filepath"
)

const (
	appImage = "pgbind-app:dev"
	// appUser is nobody in particular, as a web app should run.
	appUser = "65532:65532"
)

// app builds the web app without C, puts it alone into an image, and loads that into the cluster.
func (w *workspace) app(ctx context.Context) error {
	folder, remove, err := w.scratch("app")
	if err != nil {
		return err
	}
	defer remove()
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
		return w.programImage(ctx, program{image: appImage, binary: binary, user: appUser})
	})
	if err != nil {
		return err
	}
	return w.load(ctx, appImage)
}
