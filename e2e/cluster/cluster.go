package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	readyLimit = 5 * time.Second
	// nodeLimit is kind's own wait for the node to become Ready.
	nodeLimit = "120s"
)

// up starts the cluster for the tests. It keeps a cluster that answers.
func (w *workspace) up(ctx context.Context) error {
	if err := w.ensureEngine(ctx); err != nil {
		return err
	}
	if w.clusterAnswers(ctx) && fileExists(w.completeMark()) {
		w.steps.say("cluster %s is running and is kept", w.cluster)
		return nil
	}
	kindFolder, err := w.kindCLI(ctx)
	if err != nil {
		return err
	}
	chosen, err := w.nodeImage(ctx, kindFolder)
	if err != nil {
		return err
	}
	if err := w.kubectl(ctx); err != nil {
		return err
	}
	if err := w.startImages(ctx); err != nil {
		return err
	}
	if err := w.create(ctx, chosen); err != nil {
		return err
	}
	if err := w.load(ctx, postgresTags(startMajors())...); err != nil {
		return err
	}
	return os.WriteFile(w.completeMark(), nil, 0o600)
}

// completeMark exists in a cluster into which everything was loaded.
func (w *workspace) completeMark() string { return filepath.Join(w.state(), "complete") }

// clusterAnswers returns whether the cluster is up: its kubeconfig exists and its API server is ready.
func (w *workspace) clusterAnswers(ctx context.Context) bool {
	if !fileExists(w.kubeconfig()) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	_, err := w.output(ctx, "kubectl", "--kubeconfig", w.kubeconfig(), "get", "--raw", "/readyz")
	return err == nil
}

// create starts a new cluster, after it has deleted the rest of a broken one of that name.
func (w *workspace) create(ctx context.Context, chosen node) error {
	if err := w.remove(ctx); err != nil {
		return err
	}
	config, err := w.writeKindConfig(ctx, chosen)
	if err != nil {
		return err
	}
	return w.steps.step("creating the kind cluster "+w.cluster, func() error {
		create := []string{"kind", "create", "cluster", "--name", w.cluster, "--config", config,
			"--kubeconfig", w.kubeconfig(), "--wait", nodeLimit}
		if err := w.logged(ctx, "kind-create", command{args: create}); err != nil {
			return err
		}
		return w.requireAuditLog(ctx)
	})
}

// remove deletes the cluster if there is one, and its kubeconfig.
func (w *workspace) remove(ctx context.Context) error {
	clusters, err := w.output(ctx, "kind", "get", "clusters")
	if err != nil {
		return err
	}
	if slices.Contains(strings.Fields(clusters), w.cluster) {
		err := w.steps.step("removing the kind cluster "+w.cluster, func() error {
			_, err := w.output(ctx, "kind", "delete", "cluster", "--name", w.cluster, "--kubeconfig", w.kubeconfig())
			return err
		})
		if err != nil {
			return err
		}
	}
	return errors.Join(os.RemoveAll(w.completeMark()), os.RemoveAll(w.kubeconfig()), os.RemoveAll(w.loadedMarks()))
}

// down deletes the cluster, and stops the engine if "up" started it. It keeps the cache and the images in the engine's store.
func (w *workspace) down(ctx context.Context) error {
	if w.engineAnswers(ctx) != nil {
		w.steps.say("no Docker engine answers, so there is no cluster to remove")
		return w.stopEngine(ctx)
	}
	if fileExists(w.file("bin", "kind")) {
		if err := w.remove(ctx); err != nil {
			return err
		}
	}
	running, err := w.output(ctx, "docker", "ps", "--quiet")
	if err != nil {
		return err
	}
	if running != "" {
		w.steps.say("the engine keeps running: other containers use it")
		return nil
	}
	return w.stopEngine(ctx)
}
