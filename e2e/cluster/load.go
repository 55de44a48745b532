package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// load copies images from the engine into the cluster.
func (w *workspace) load(ctx context.Context, images ...string) error {
	if len(images) == 0 {
		return errors.New("no image given")
	}
	if !w.clusterAnswers(ctx) {
		return fmt.Errorf("cluster %s does not answer: run make cluster first", w.cluster)
	}
	missing, err := w.missing(ctx, images)
	if err != nil || len(missing) == 0 {
		return err
	}
	err = w.steps.step("loading "+strings.Join(missing, " ")+" into the cluster", func() error {
		_, err := w.output(ctx, append([]string{"kind", "load", "docker-image", "--name", w.cluster}, missing...)...)
		return err
	})
	if err != nil {
		return err
	}
	return w.noteLoaded(ctx, missing)
}

// missing returns the images that this cluster lacks, or has in another version than the engine. Loading an image again
// takes as long as the first time.
func (w *workspace) missing(ctx context.Context, images []string) ([]string, error) {
	var missing []string
	for _, image := range images {
		id, err := w.imageID(ctx, image)
		if err != nil {
			return nil, err
		}
		if noted, err := os.ReadFile(w.loadedMark(image)); err != nil || string(noted) != id {
			missing = append(missing, image)
		}
	}
	return missing, nil
}

func (w *workspace) noteLoaded(ctx context.Context, images []string) error {
	for _, image := range images {
		id, err := w.imageID(ctx, image)
		if err != nil {
			return err
		}
		if err := errors.Join(os.MkdirAll(w.loadedMarks(), 0o750), os.WriteFile(w.loadedMark(image), []byte(id), 0o600)); err != nil {
			return err
		}
	}
	return nil
}

// loadedMarks is a folder that exists as long as the cluster. Each file contains the engine's ID of an image that the cluster has.
func (w *workspace) loadedMarks() string { return filepath.Join(w.state(), "loaded") }

func (w *workspace) loadedMark(image string) string {
	return filepath.Join(w.loadedMarks(), logName(image))
}

func (w *workspace) imageID(ctx context.Context, image string) (string, error) {
	return w.output(ctx, "docker", "image", "inspect", "--format", "{{.Id}}", image)
}
