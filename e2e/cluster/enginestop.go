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

const (
	engineStopLimit = time.Minute
	reapLimit       = 5 * time.Second
)

// stopEngine ends the engine if "up" started it, and waits until it and its containerd are gone.
func (w *workspace) stopEngine(ctx context.Context) error {
	pid, ours := w.ownEngine()
	if !ours {
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

// ownEngine returns the process that the PID file names, if it is a dockerd that was started with that file.
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

// awaitEnd waits until the processes have ended, and then a little longer until init has removed them from the process list.
func awaitEnd(ctx context.Context, pids []int) error {
	if !await(ctx, engineStopLimit, func() bool { return !slices.ContainsFunc(pids, alive) }) {
		return errors.Join(fmt.Errorf("processes %v do not end", pids), ctx.Err())
	}
	await(ctx, reapLimit, func() bool { return !slices.ContainsFunc(pids, listed) })
	return nil
}

// await polls until the condition is true, and returns whether it was within the limit.
func await(ctx context.Context, limit time.Duration, condition func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for !condition() {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(pollInterval):
		}
	}
	return true
}

func listed(pid int) bool { return fileExists(procFile(pid, "status")) }

// alive returns whether a process runs. A zombie does not.
func alive(pid int) bool {
	status, err := os.ReadFile(procFile(pid, "status"))
	return err == nil && !strings.Contains(string(status), "\nState:\tZ")
}

func procFile(pid int, name string) string {
	return filepath.Join("/proc", strconv.Itoa(pid), filepath.FromSlash(name))
}
