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

// awaitRest waits until the processors have little to do, three minutes at most: a cluster that was just made goes on with it for a while, and so
// does one from which namespaces were removed. Where other work goes on it says so, since every figure has a part of that.
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

// loadOver is how many processors are busy, on average of a time from now on.
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

// clock is what the kernel counts, in seconds: since the machine began, and for how long its processors had nothing to do, all together.
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
