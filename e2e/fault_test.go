//go:build e2e && soak

package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/faultproxy"
)

// TestFaults disturbs every request and every exec of a command in every way in which an API server, or a proxy before it, can fail.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, o := range operations(theDatabase) {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			m := &matrix{fixture: newDatabase(t), operation: o}
			start := time.Now()
			undisturbed, other := &trial{workload: "undisturbed"}, &trial{workload: "other"}
			points := m.points(undisturbed, other)
			all := faults(points)
			trials := chosen(m.t, all)
			m.each("prepare", trials, (*matrix).prepare)
			m.each("disturbed", trials, (*matrix).faulted)
			left := m.sides()
			want := m.states(left, undisturbed)
			var failed []*trial
			for _, tr := range trials {
				if tr.result.Code == 0 {
					assert.Equal(t, want, m.states(left, tr), "%s: no wrong success: %s", tr, tr.result.Stderr)
				} else {
					failed = append(failed, tr)
				}
			}
			m.each("again", failed, (*matrix).again)
			m.agree(undisturbed, append(trials, other))
			missed := m.missed(trials)
			t.Logf(
				"%s: %d requests, of which %d execs; %d of %d faults, of which %d did not come about, %d were got over and %d were clear errors with a clean second run, in %s",
				o.name,
				len(points),
				execs(points),
				len(trials),
				len(all),
				missed,
				len(trials)-missed-len(failed),
				len(failed),
				time.Since(start).Round(time.Second),
			)
		})
	}
}

// faults are the trials of a fault matrix.
func faults(points []faultproxy.Exchange) []*trial {
	var trials []*trial
	for _, e := range points {
		for _, fault := range faultsOf(e) {
			trials = append(trials, &trial{
				workload:    fmt.Sprintf("trial-%d", len(trials)),
				disturbance: disturbance{point: e.Request, fault: fault},
			})
		}
	}
	return trials
}

// faultsOf returns everything that can happen to an exchange.
func faultsOf(e faultproxy.Exchange) []faultproxy.Fault {
	faults := []faultproxy.Fault{
		{Action: faultproxy.Answer, Code: http.StatusTooManyRequests},
		{Action: faultproxy.Answer, Code: http.StatusInternalServerError},
		{Action: faultproxy.Answer, Code: http.StatusServiceUnavailable},
		{Action: faultproxy.Reset},
		{Action: faultproxy.Stall, Moment: faultproxy.After},
	}
	if strings.HasPrefix(e.Request, http.MethodGet) {
		return faults // a read has no conflict and changes nothing
	}
	faults = append(faults,
		faultproxy.Fault{Action: faultproxy.Answer, Code: http.StatusConflict},
		faultproxy.Fault{Action: faultproxy.Reset, Moment: faultproxy.After})
	if !e.Exec {
		return faults
	}
	return append(faults, streamFaults(e)...)
}

// streamFaults returns what can happen only to an exec.
func streamFaults(e faultproxy.Exchange) []faultproxy.Fault {
	faults := []faultproxy.Fault{
		{Action: faultproxy.Refuse},
		{Action: faultproxy.Stall},
		{Action: faultproxy.Swallow, Moment: faultproxy.After},
	}
	if e.Stdin > 0 {
		faults = append(faults, faultproxy.Fault{Action: faultproxy.Reset, Moment: faultproxy.MidStdin, Bytes: e.Stdin / 2})
	}
	if e.Stdout > 0 {
		faults = append(faults,
			faultproxy.Fault{Action: faultproxy.Reset, Moment: faultproxy.MidStdout, Bytes: e.Stdout / 2},
			faultproxy.Fault{Action: faultproxy.Swallow, Moment: faultproxy.MidStdout, Bytes: e.Stdout / 2})
	}
	return faults
}
