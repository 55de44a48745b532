package main

import (
	"context"
	"path/filepath"
)

const (
	appImage    = "pgbind-app:dev"
	pluginImage = "kubectl-pgbind:dev"
	// nobody is the unprivileged user of programs that need no rights.
	nobody = "65532:65532"
)

// app builds the image of the web app and loads it into the cluster.
func (w *workspace) app(ctx context.Context) error {
	return w.goImage(ctx, appImage, w.source("app"), ".")
}

// plugin builds the image of kubectl-pgbind and loads it into the cluster.
func (w *workspace) plugin(ctx context.Context) error {
	return w.goImage(ctx, pluginImage, filepath.Join(w.repo, "cmd", "kubectl-pgbind"), ".")
}

// applications builds the images of applications, which are modules in e2e/tools, and loads them into the cluster.
func (w *workspace) applications(ctx context.Context, names ...string) error {
	for _, name := range names {
		if err := w.goImage(ctx, "pgbind-"+name+":dev", w.source("tools", name), "tool"); err != nil {
			return err
		}
	}
	return nil
}

// goImage builds a main package of the module in a folder without C, creates an image with nothing else in it, and
// loads it into the cluster.
func (w *workspace) goImage(ctx context.Context, image, folder, main string) error {
	name := filepath.Base(folder)
	scratch, remove, err := w.scratch(name)
	if err != nil {
		return err
	}
	defer remove()
	binary := filepath.Join(scratch, name)
	err = w.steps.step("building the image "+image, func() error {
		build := command{
			args: []string{"go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, main},
			dir:  folder,
			env:  []string{"CGO_ENABLED=0"},
		}
		if err := w.logged(ctx, "build-"+name, build); err != nil {
			return err
		}
		return w.programImage(ctx, program{image: image, binary: binary, user: nobody})
	})
	if err != nil {
		return err
	}
	return w.load(ctx, image)
}
