package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

const (
	// engineVariable with the value existingEngine forbids to install or start an engine.
	engineVariable = "PGBIND_E2E_ENGINE"
	existingEngine = "existing"

	engineAnswerLimit = 5 * time.Second
	engineStartLimit  = time.Minute
	pollInterval      = 200 * time.Millisecond
)

// ensureEngine makes sure that a Docker engine answers. If none does, it installs and starts one, if that is allowed.
func (w *workspace) ensureEngine(ctx context.Context) error {
	problem := w.engineAnswers(ctx)
	if problem == nil {
		return nil
	}
	w.steps.say("no Docker engine answers: %v", problem)
	if err := mayStartEngine(); err != nil {
		return err
	}
	if err := w.debianPackages(ctx, "dockerd", "docker.io"); err != nil {
		return err
	}
	if w.engineAnswers(ctx) == nil {
		w.steps.say("the package has started the engine as a service of this machine; it stays when the cluster goes")
		return nil
	}
	return w.steps.step("starting a Docker engine", func() error { return w.startEngine(ctx) })
}

// engineAnswers returns nil if the engine of the client's configuration answers.
func (w *workspace) engineAnswers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, engineAnswerLimit)
	defer cancel()
	_, err := w.output(ctx, "docker", "version", "--format", "{{.Server.Version}}")
	return err
}

// mayStartEngine returns an error that says why no engine can be started.
func mayStartEngine() error {
	switch {
	case os.Getenv(engineVariable) == existingEngine:
		return fmt.Errorf(
			"%s=%s forbids to start a Docker engine: start one yourself, or unset the variable", engineVariable,
			existingEngine,
		)
	case os.Getenv("DOCKER_HOST") != "":
		return errors.New("the engine that DOCKER_HOST names is out of reach: start it, or unset the variable")
	case !fileExists("/etc/debian_version"):
		return errors.New("only on Debian can an engine be installed here: install and start Docker yourself")
	case os.Geteuid() != 0:
		return errors.New("installing and starting an engine needs root: start Docker yourself, or run this as root")
	}
	return nil
}

// startEngine starts dockerd in a session of its own, with its output in a file: it outlives this process and holds open no
// file for which a caller waits.
func (w *workspace) startEngine(ctx context.Context) error {
	args, err := w.engineArguments(ctx)
	if err != nil {
		return err
	}
	log, err := os.Create(w.file("engine", "dockerd.log"))
	if err != nil {
		return fmt.Errorf("opening the engine's log: %w", err)
	}
	defer func() { _ = log.Close() }()
	process := exec.Command("dockerd", args...) //nolint:gosec,noctx // it has to outlive the context
	process.Stdout, process.Stderr = log, log
	process.Dir = "/"
	process.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := process.Start(); err != nil {
		return fmt.Errorf("starting dockerd: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- errors.Join(errors.New("it should run on"), process.Wait()) }()
	return w.awaitEngine(ctx, ended)
}

func (w *workspace) awaitEngine(ctx context.Context, ended <-chan error) error {
	ctx, cancel := context.WithTimeout(ctx, engineStartLimit)
	defer cancel()
	for {
		if w.engineAnswers(ctx) == nil {
			return nil
		}
		select {
		case err := <-ended:
			return fmt.Errorf("dockerd ended at once (%w), its log ends:\n%s", err, lastLines(w.file("engine", "dockerd.log")))
		case <-ctx.Done():
			return fmt.Errorf("dockerd does not answer: %w, its log is %s", ctx.Err(), w.file("engine", "dockerd.log"))
		case <-time.After(pollInterval):
		}
	}
}

// engineArguments returns dockerd's arguments. The default runtime is our own only if runc would fail.
func (w *workspace) engineArguments(ctx context.Context) ([]string, error) {
	args := []string{"--pidfile", w.enginePIDFile()}
	capable, err := resourceCapability()
	if capable || err != nil {
		return args, err
	}
	w.steps.say("CAP_SYS_RESOURCE is not in the bounding set: the engine gets a runtime that goes without it")
	runtime, err := w.ownProgram(ctx, "runc-without-resource")
	if err != nil {
		return nil, err
	}
	return append(args, "--add-runtime", "without-resource="+runtime, "--default-runtime", "without-resource"), nil
}

func (w *workspace) enginePIDFile() string { return w.file("engine", "dockerd.pid") }
