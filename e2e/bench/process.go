package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// figures are the measurements of a process.
type figures struct {
	took time.Duration
	peak int64 // of its resident memory, in bytes
}

// measured runs and measures a command, which must succeed.
func measured(cmd *exec.Cmd) (figures, error) {
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return figures{}, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	done, peak := make(chan struct{}), make(chan int64)
	go func() { peak <- watchPeak(cmd.Process.Pid, done) }()
	err := cmd.Wait()
	took := time.Since(start)
	close(done)
	if err != nil {
		text := output.String()
		err = fmt.Errorf("run %s: %w: %s", strings.Join(cmd.Args[:min(len(cmd.Args), 3)], " "), err, text[max(0, len(text)-2000):])
	}
	return figures{took: took, peak: <-peak}, err
}

// watchPeak polls the peak memory of a process until it ends. It polls less and less often, because each poll uses the processors that are
// measured. The kernel's figure after the end is not usable: it includes the memory of the process that started this one.
func watchPeak(pid int, done <-chan struct{}) (peak int64) {
	const often, seldom = 25 * time.Millisecond, 40 // polls in all the time so far
	start := time.Now()
	for {
		select {
		case <-done:
			return peak
		case <-time.After(max(often, time.Since(start)/seldom)):
			peak = max(peak, peakOf(pid))
		}
	}
}

// peakOf reads the peak of a process's resident memory; 0 if the process is gone.
func peakOf(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	match := regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`).FindSubmatch(status)
	if match == nil {
		return 0
	}
	kilobytes, err := strconv.ParseInt(string(match[1]), 10, 64)
	if err != nil {
		return 0
	}
	return kilobytes << 10
}

// contender is one of the commands that are compared.
type contender struct {
	name    string
	command func(ctx context.Context, round int) *exec.Cmd
}

// breath is how long the cluster gets to finish earlier work, such as the deletion of a Pod or the creation of ReplicaSets.
const breath = 3 * time.Second

// rested waits until the cluster is idle, and then measures.
func rested(cmd *exec.Cmd) (figures, error) {
	time.Sleep(breath)
	return measured(cmd)
}

// alternate runs the contenders in turn, so that other work on the machine slows down all of them, and returns the figures by name. The
// first round is not counted.
func (b *bench) alternate(ctx context.Context, contenders ...contender) (map[string][]figures, error) {
	found := map[string][]figures{}
	for round := range b.runs + 1 {
		for _, c := range contenders {
			f, err := rested(c.command(ctx, round))
			if err != nil {
				return nil, fmt.Errorf("%s, round %d: %w", c.name, round, err)
			}
			if round > 0 {
				found[c.name] = append(found[c.name], f)
			}
		}
	}
	return found, nil
}

// median is the middle one of the times.
func median(all []figures) time.Duration {
	times := make([]time.Duration, len(all))
	for i, f := range all {
		times[i] = f.took
	}
	slices.Sort(times)
	return times[len(times)/2]
}

// highest is the worst of the peaks.
func highest(all []figures) (peak int64) {
	for _, f := range all {
		peak = max(peak, f.peak)
	}
	return peak
}
