package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"
)

const (
	nodeRepository   = "pgbind-node"
	nodeSuite        = "bookworm"
	restrictedSuffix = "-restricted"
	// nodeVariable names a node image of kind to use, and with it the version of Kubernetes.
	nodeVariable = "PGBIND_E2E_NODE_IMAGE"
)

// node is the image of the cluster's node, and whether it was built here, which decides about the network plugin.
type node struct {
	image string
	built bool
}

// nodeImage returns kind's own node image if a registry is reachable, or else an image that is built from Go modules and Debian
// packages. An image that the engine has already is used without asking a registry.
func (w *workspace) nodeImage(ctx context.Context, kindFolder string) (node, error) {
	if chosen := os.Getenv(nodeVariable); chosen != "" {
		if !w.hasImage(ctx, chosen) && !w.pull(ctx, chosen) {
			return node{}, fmt.Errorf("cannot pull the node image %s that %s names", chosen, nodeVariable)
		}
		return w.fitNode(ctx, node{image: chosen})
	}
	official, err := w.output(ctx, filepath.Join(kindFolder, "nodeimage"))
	if err != nil {
		return node{}, err
	}
	sum, err := fingerprint([]string{w.source("cluster", "tools"), w.source("cluster", "pause"),
		w.source("images", "node"), w.source("images", "kube-proxy"), w.source("images", "debian")})
	if err != nil {
		return node{}, err
	}
	found := node{image: nodeRepository + ":" + sum, built: true}
	switch {
	case w.hasImage(ctx, found.image):
	case w.hasImage(ctx, official), w.pull(ctx, official):
		found = node{image: official}
	default:
		if err := w.buildNode(ctx, found.image, sum); err != nil {
			return node{}, err
		}
	}
	return w.fitNode(ctx, found)
}

// fitNode changes a node image for machines without CAP_SYS_RESOURCE. On other machines it changes nothing.
func (w *workspace) fitNode(ctx context.Context, base node) (node, error) {
	capable, err := resourceCapability()
	if capable || err != nil {
		return base, err
	}
	folder := w.source("images", "node-restricted")
	sum, err := fingerprint([]string{folder}, base.image)
	if err != nil {
		return node{}, err
	}
	fitted := node{image: nodeRepository + ":" + sum + restrictedSuffix, built: base.built}
	if w.hasImage(ctx, fitted.image) {
		return fitted, nil
	}
	return fitted, w.steps.step("fitting the node image to a machine without CAP_SYS_RESOURCE", func() error {
		return w.build(ctx, recipe{image: fitted.image, folder: folder, sum: sum, arguments: []string{"BASE=" + base.image}})
	})
}

// buildNode builds the node image from kind's base files, the programs, and the images of the control plane.
func (w *workspace) buildNode(ctx context.Context, image, sum string) error {
	folder, remove, err := w.scratch("node")
	if err != nil {
		return err
	}
	defer remove()
	programs, err := w.programsAndServers(ctx)
	if err != nil {
		return err
	}
	base, err := w.baseImage(ctx, nodeSuite)
	if err != nil {
		return err
	}
	if err := w.copyNodeFiles(ctx, folder, programs); err != nil {
		return err
	}
	images, err := w.controlPlaneImages(ctx, base, programs)
	if err != nil {
		return err
	}
	version, err := w.kubernetesVersion(ctx)
	if err != nil {
		return err
	}
	return w.steps.step("building the node image", func() error {
		save := append([]string{"docker", "save", "--output", filepath.Join(folder, "images.tar")}, images...)
		if _, err := w.output(ctx, save...); err != nil {
			return err
		}
		if err := w.build(
			ctx,
			recipe{image: image, folder: folder, sum: sum, arguments: []string{"BASE=" + base, "VERSION=" + version}},
		); err != nil {
			return err
		}
		_, err := w.output(ctx, append([]string{"docker", "image", "rm"}, images...)...)
		return err
	})
}

// programsAndServers builds the programs of a node and, at the same time, the images of PostgreSQL: the former need the processors, the
// latter mostly wait for packages. Only the images need the engine and apt.
func (w *workspace) programsAndServers(ctx context.Context) (map[string]string, error) {
	group, within := errgroup.WithContext(ctx)
	var programs map[string]string
	group.Go(func() (err error) {
		programs, err = w.nodePrograms(within)
		return err
	})
	group.Go(func() error { return w.startImages(within) })
	return programs, group.Wait()
}

// nodePrograms builds everything a node runs and returns the folder of each module's binaries.
func (w *workspace) nodePrograms(ctx context.Context) (map[string]string, error) {
	folders := map[string]string{}
	for _, build := range []struct{ module, packages string }{
		{"kubernetes", everyTool}, {"containerd", everyTool}, {"cni", everyTool}, {"etcd", everyTool}, {"coredns", "./coredns"},
	} {
		folder, err := w.tools(ctx, build.module, build.packages)
		if err != nil {
			return nil, err
		}
		folders[build.module] = folder
	}
	pause, err := w.ownProgram(ctx, "pause")
	folders["pause"] = filepath.Dir(pause)
	return folders, err
}

// copyNodeFiles lays out the build folder that images/node/Dockerfile reads.
func (w *workspace) copyNodeFiles(ctx context.Context, folder string, programs map[string]string) error {
	files, err := w.kindFiles(ctx)
	if err != nil {
		return err
	}
	copies := map[string]string{
		"":           w.source("images", "node"),
		"files":      files,
		"containerd": programs["containerd"],
		"cni":        programs["cni"],
	}
	var problems []error
	for to, from := range copies {
		problems = append(problems, os.CopyFS(filepath.Join(folder, to), os.DirFS(from)))
	}
	for _, name := range []string{"kubeadm", "kubectl", "kubelet"} {
		problems = append(problems, copyProgram(filepath.Join(programs["kubernetes"], name), filepath.Join(folder, "kubernetes")))
	}
	return errors.Join(problems...)
}

// ownProgram builds one of the small programs in folders of this one and returns its path.
func (w *workspace) ownProgram(ctx context.Context, name string) (string, error) {
	sum, err := fingerprint([]string{w.source("cluster", name)})
	if err != nil {
		return "", err
	}
	path := w.file("tools", name+"-"+sum, name)
	if fileExists(path) {
		return path, nil
	}
	build := []string{"go", "build", "-trimpath", "-o", path, "./" + filepath.Join("e2e", "cluster", name)}
	return path, w.logged(ctx, "build-"+name, command{args: build, dir: w.repo, env: []string{"CGO_ENABLED=0"}})
}

// logName turns the name of an image into a file name.
func logName(image string) string {
	return strings.NewReplacer("/", "-", ":", "-", "@", "-").Replace(image)
}
