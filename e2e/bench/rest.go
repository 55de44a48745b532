package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"time"
)

const (
	restLook  = 5 * time.Second
	restLooks = 36
	restLoad  = 0.3 // processors; an idle cluster of the tests keeps less than that busy
)

// awaitRest waits until the processors are nearly idle, three minutes at most. After a cluster is created, or namespaces are deleted, the
// controllers work for a while. If other work continues, awaitRest prints a warning, because it affects every figure.
func awaitRest(ctx context.Context) error {
	var load float64
	for range restLooks {
		var err error
		if load, err = loadOver(ctx, restLook); err != nil || load <= restLoad {
			return err
		}
	}
	say("the machine does not come to rest: %.1f processors are busy", load)
	return nil
}

// loadOver returns how many processors are busy, on average over the time that follows.
func loadOver(ctx context.Context, span time.Duration) (float64, error) {
	before, err := readClock()
	if err != nil {
		return 0, err
	}
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(span):
	}
	after, err := readClock()
	return float64(runtime.NumCPU()) - (after.idle-before.idle)/(after.up-before.up), err
}

// clock has the kernel's counters, in seconds: since the start of the machine, and the idle time of all processors together.
type clock struct{ up, idle float64 }

func readClock() (now clock, err error) {
	const source = "/proc/uptime"
	text, err := os.ReadFile(source)
	if err == nil {
		_, err = fmt.Sscan(string(text), &now.up, &now.idle)
	}
	if err != nil {
		return now, fmt.Errorf("read %s: %w", source, err)
	}
	return now, nil
}
