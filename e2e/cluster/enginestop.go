package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const engineStopLimit = time.Minute

// stopEngine ends the engine that "up" started, and waits until it and its containerd are gone. An engine that somebody else
// started stays, and so does one that still runs containers of others.
func (w *workspace) stopEngine(ctx context.Context) error {
	pid, ours := w.ownEngine()
	if !ours {
		return nil
	}
	running, err := w.output(ctx, "docker", "ps", "--quiet")
	if err != nil {
		return err
	}
	if running != "" {
		w.steps.say("the engine keeps running: other containers still use it")
		return nil
	}
	return w.steps.step("stopping the Docker engine", func() error {
		family := append([]int{pid}, children(pid)...)
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
			return fmt.Errorf("ending dockerd: %w", err)
		}
		return awaitEnd(ctx, family)
	})
}

// ownEngine returns the process that the PID file names, if it is a dockerd that was started with this very file.
func (w *workspace) ownEngine() (int, bool) {
	content, err := os.ReadFile(w.enginePIDFile())
	if err != nil {
		return 0, false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return 0, false
	}
	arguments, err := os.ReadFile(procFile(pid, "cmdline"))
	if err != nil {
		return 0, false
	}
	words := strings.Split(string(arguments), "\x00")
	return pid, filepath.Base(words[0]) == "dockerd" && slices.Contains(words, w.enginePIDFile())
}

// children returns the processes whose parent is pid; for dockerd that is its containerd.
func children(pid int) []int {
	paths, _ := filepath.Glob(procFile(pid, "task/*/children"))
	var found []int
	for _, path := range paths {
		content, err := os.ReadFile(path) //nolint:gosec // below /proc
		if err != nil {
			continue
		}
		for _, word := range strings.Fields(string(content)) {
			if child, err := strconv.Atoi(word); err == nil {
				found = append(found, child)
			}
		}
	}
	return found
}

func awaitEnd(ctx context.Context, pids []int) error {
	ctx, cancel := context.WithTimeout(ctx, engineStopLimit)
	defer cancel()
	for slices.ContainsFunc(pids, alive) {
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("processes %v do not end", pids), ctx.Err())
		case <-time.After(pollInterval):
		}
	}
	return nil
}

// alive tells whether a process still works. One that has ended but that nobody has waited for yet does not.
func alive(pid int) bool {
	status, err := os.ReadFile(procFile(pid, "status"))
	return err == nil && !strings.Contains(string(status), "\nState:\tZ")
}

func procFile(pid int, name string) string {
	return filepath.Join("/proc", strconv.Itoa(pid), filepath.FromSlash(name))
}
