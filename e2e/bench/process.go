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

// figures are what one process took.
type figures struct {
	took time.Duration
	peak int64 // of its resident memory, in bytes
}

// measured runs a command, which must succeed.
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

// watchPeak asks the kernel for the peak of a process until it is done, less and less often, since each look takes time of the processors that
// are measured. What the kernel tells after the end is no use: it counts the memory of the process that started it.
func watchPeak(pid int, done <-chan struct{}) (peak int64) {
	const often, seldom = 25 * time.Millisecond, 40 // looks in all the time so far
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

// peakOf reads the peak of a process's resident memory; 0 where it is gone.
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

// contender is one of the commands that are held against each other.
type contender struct {
	name    string
	command func(ctx context.Context, round int) *exec.Cmd
}

// breath is how long the cluster gets to finish what was left to it, such as the removal of a Pod or the making of ReplicaSets.
const breath = 3 * time.Second

// rested is measured, when the cluster has come to rest.
func rested(cmd *exec.Cmd) (figures, error) {
	time.Sleep(breath)
	return measured(cmd)
}

// alternate runs the contenders in turn, round by round, so that what slows the machine down slows all of them, and returns the figures by
// their names. A first round warms up and does not count.
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
