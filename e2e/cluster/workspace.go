package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

const (
	cacheName      = "kubectl-pgbind"
	defaultCluster = "pgbind-e2e"
	// clusterVariable names the cluster, so that two can run at the same time.
	clusterVariable = "PGBIND_E2E_CLUSTER"
)

// workspace contains the paths of the checkout and of the cache, and the name of the cluster.
type workspace struct {
	repo    string
	cache   string
	cluster string
	steps   *steps
}

func newWorkspace(report io.Writer) (*workspace, error) {
	repo, err := findRepository()
	if err != nil {
		return nil, err
	}
	caches, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("finding the user's cache folder (set HOME or XDG_CACHE_HOME): %w", err)
	}
	w := &workspace{
		repo:    repo,
		cache:   filepath.Join(caches, cacheName),
		cluster: cmp.Or(os.Getenv(clusterVariable), defaultCluster),
		steps:   newSteps(report),
	}
	for _, folder := range []string{w.bin(), w.state(), w.file("tools"), w.file("logs"), w.file("engine"), w.file("work")} {
		if err := os.MkdirAll(folder, 0o750); err != nil {
			return nil, fmt.Errorf("making the cache folder: %w", err)
		}
	}
	return w, nil
}

// findRepository returns the nearest parent folder with go.mod and e2e/cluster.
func findRepository() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the current folder: %w", err)
	}
	for ; folder != filepath.Dir(folder); folder = filepath.Dir(folder) {
		_, noModule := os.Stat(filepath.Join(folder, "go.mod"))
		_, noCluster := os.Stat(filepath.Join(folder, "e2e", "cluster"))
		if noModule == nil && noCluster == nil {
			return folder, nil
		}
	}
	return "", errors.New("not in a checkout of kubectl-pgbind: change into it first")
}

// file returns a path below the cache folder.
func (w *workspace) file(parts ...string) string {
	return filepath.Join(append([]string{w.cache}, parts...)...)
}

// source returns a path below e2e/ in the checkout.
func (w *workspace) source(parts ...string) string {
	return filepath.Join(append([]string{w.repo, "e2e"}, parts...)...)
}

// scratch creates an empty folder in the cache, without files of an interrupted run, and returns the function that removes it.
func (w *workspace) scratch(name string) (folder string, remove func(), err error) {
	folder = w.file("work", name)
	if err := errors.Join(os.RemoveAll(folder), os.Mkdir(folder, 0o755)); err != nil { //nolint:gosec // it becomes a root folder
		return "", nil, fmt.Errorf("making an empty work folder: %w", err)
	}
	return folder, func() { _ = os.RemoveAll(folder) }, nil
}

// bin is the folder of kubectl and kind. It is the first one on PATH.
func (w *workspace) bin() string { return w.file("bin") }

// state is the folder of the files that belong to one cluster.
func (w *workspace) state() string { return w.file("clusters", w.cluster) }

func (w *workspace) kubeconfig() string { return filepath.Join(w.state(), "kubeconfig") }

// lock waits until no other process changes the cache, the engine or a cluster, and returns the function that releases the lock.
func (w *workspace) lock() (func(), error) {
	file, err := os.OpenFile(w.file("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock of the cache folder: %w", err)
	}
	descriptor := int(file.Fd())
	if syscall.Flock(descriptor, syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		w.steps.say("another run is at work, waiting for it to end")
		if err := syscall.Flock(descriptor, syscall.LOCK_EX); err != nil {
			return nil, fmt.Errorf("locking the cache folder: %w", err)
		}
	}
	// Closing the file releases the lock, even if it returns an error.
	return func() { _ = file.Close() }, nil
}
