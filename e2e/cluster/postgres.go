package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Images of Debian packages. No registry has their tag, like that of the image of the web app.
const (
	poolerImage  = "pgbouncer:dev"
	gitImage     = "pgbind-git:dev"
	redisImage   = "pgbind-redis:dev"
	ansibleImage = "pgbind-ansible:dev"
)

// developmentSuite is the suite of Debian's next release.
const developmentSuite = "forky"

// postgresSuites names the Debian suite that has each major version of PostgreSQL.
func postgresSuites() map[string]string {
	return map[string]string{"13": "bullseye", "15": "bookworm", "17": "trixie", "18": developmentSuite}
}

// updateOptions returns apt's options for a suite. Package lists of the development suite expire after a week, and a mirror may have
// older ones. Their signatures are still verified.
func updateOptions(suite string) string {
	if suite == developmentSuite {
		return "--option=Acquire::Check-Valid-Until=false"
	}
	return ""
}

// startMajors are the versions that every cluster starts with: the lesson's default and a current one.
func startMajors() []string { return []string{"15", "17"} }

// startImages makes sure that the engine has PostgreSQL in the versions that every cluster starts with.
func (w *workspace) startImages(ctx context.Context) error {
	for _, major := range startMajors() {
		if err := w.postgresImage(ctx, major); err != nil {
			return err
		}
	}
	return nil
}

func postgresTags(majors []string) []string {
	tags := make([]string, 0, len(majors))
	for _, major := range majors {
		tags = append(tags, "postgres:"+major)
	}
	return tags
}

// postgres gets the images of the given major versions and loads them into the cluster.
func (w *workspace) postgres(ctx context.Context, majors ...string) error {
	if err := w.ensureEngine(ctx); err != nil {
		return err
	}
	for _, major := range majors {
		if err := w.postgresImage(ctx, major); err != nil {
			return err
		}
	}
	return w.load(ctx, postgresTags(majors)...)
}

// debianImage builds an image of Debian packages from a folder in images, and loads it into the cluster.
func (w *workspace) debianImage(ctx context.Context, image, folder string) error {
	if err := w.packagesImage(ctx, image, folder); err != nil {
		return err
	}
	return w.load(ctx, image)
}

// ansible builds the image in which the benchmark runs Ansible. It runs in the engine, and not in the cluster.
func (w *workspace) ansible(ctx context.Context) error {
	return w.packagesImage(ctx, ansibleImage, "ansible")
}

// packagesImage builds an image of Debian packages from a folder in images.
func (w *workspace) packagesImage(ctx context.Context, image, folder string) error {
	if err := w.ensureEngine(ctx); err != nil {
		return err
	}
	return w.suiteImage(ctx, postgresSuites()[startMajors()[0]], recipe{image: image, folder: w.source("images", folder)})
}

// extras builds the image postgres-extras:17, in which tests find a server with other languages and other programs, and loads it into the
// cluster.
func (w *workspace) extras(ctx context.Context) error {
	if err := w.ensureEngine(ctx); err != nil {
		return err
	}
	const major = "17"
	base, r := "postgres:"+major, recipe{image: "postgres-extras:" + major, folder: w.source("images", "extras")}
	if err := w.postgresImage(ctx, major); err != nil {
		return err
	}
	var err error
	if r.sum, err = fingerprint([]string{r.folder}, base, w.imageSum(ctx, base)); err != nil {
		return err
	}
	if w.imageSum(ctx, r.image) != r.sum {
		r.arguments = []string{"BASE=" + base}
		if err := w.steps.step("building the image "+r.image, func() error { return w.build(ctx, r) }); err != nil {
			return err
		}
	}
	return w.load(ctx, r.image)
}

// patroni builds the images patroni:MAJOR and loads them into the cluster. Patroni 3 labels the primary as master, and
// Patroni 4 as primary.
func (w *workspace) patroni(ctx context.Context, majors ...string) error {
	if err := w.ensureEngine(ctx); err != nil {
		return err
	}
	var images []string
	for _, major := range majors {
		suite, known := postgresSuites()[major]
		if !known {
			return unknownMajor(major)
		}
		r := recipe{image: "patroni:" + major, folder: w.source("images", "patroni"), arguments: []string{"MAJOR=" + major}}
		if err := w.suiteImage(ctx, suite, r); err != nil {
			return err
		}
		images = append(images, r.image)
	}
	return w.load(ctx, images...)
}

func unknownMajor(major string) error {
	return fmt.Errorf("no PostgreSQL %q: choose of %s", major, strings.Join(slices.Sorted(maps.Keys(postgresSuites())), ", "))
}

// postgresImage makes sure that the engine has postgres:MAJOR: the official image if a registry is reachable, or else an image that
// behaves like it and has the same name. A manifest works with both.
func (w *workspace) postgresImage(ctx context.Context, major string) error {
	suite, known := postgresSuites()[major]
	if !known {
		return unknownMajor(major)
	}
	image := "postgres:" + major
	official := w.imageSum(ctx, image) == "" && w.hasImage(ctx, image)
	if official || (!w.hasImage(ctx, image) && w.pull(ctx, image)) {
		return nil
	}
	arguments := []string{"MAJOR=" + major, "UPDATE_OPTIONS=" + updateOptions(suite)}
	return w.suiteImage(ctx, suite, recipe{image: image, folder: w.source("images", "postgres"), arguments: arguments})
}

// suiteImage makes sure that the engine has the image of a recipe that begins with a Debian suite.
func (w *workspace) suiteImage(ctx context.Context, suite string, r recipe) error {
	var err error
	r.sum, err = fingerprint([]string{r.folder, w.source("images", "debian")}, suite)
	if err != nil || w.imageSum(ctx, r.image) == r.sum {
		return err
	}
	base, err := w.baseImage(ctx, suite)
	if err != nil {
		return err
	}
	r.arguments = append(r.arguments, "BASE="+base)
	return w.steps.step("building the image "+r.image, func() error { return w.build(ctx, r) })
}
