//go:build e2e && soak

package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/faultproxy"
)

// TestCrashes kills a run at every point, and expects the next run to complete its work.
func TestCrashes(t *testing.T) {
	t.Parallel()
	for _, o := range operations(theDatabase) {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			m := &matrix{fixture: newDatabase(t), operation: o}
			start := time.Now()
			undisturbed, other := &trial{workload: "undisturbed"}, &trial{workload: "other"}
			points := m.points(undisturbed, other)
			all := crashes(points)
			trials := chosen(m.t, all)
			m.each("prepare", trials, (*matrix).prepare)
			m.each("killed", trials, (*matrix).killed)
			m.agree(undisturbed, append(trials, other))
			t.Logf("%s: %d requests, of which %d execs; %d of %d points, of which %d did not come about, in %s",
				o.name, len(points), execs(points), len(trials), len(all), m.missed(trials), time.Since(start).Round(time.Second))
		})
	}
}

// killed kills the run and completes its work with another.
func (m *matrix) killed(tr *trial) {
	m.disturb(tr)
	m.again(tr)
}

// crashes returns the trials of a crash matrix. The run is killed before the API server gets a request, after the server has acted but
// before its answer arrives, and in an exec at the command's first output.
func crashes(points []faultproxy.Exchange) []*trial {
	var trials []*trial
	add := func(e faultproxy.Exchange, moment faultproxy.Moment) {
		trials = append(trials, &trial{
			workload:    fmt.Sprintf("trial-%d", len(trials)),
			disturbance: disturbance{point: e.Request, kill: true, fault: faultproxy.Fault{Action: faultproxy.Reset, Moment: moment}},
		})
	}
	for _, e := range points {
		add(e, faultproxy.Before)
		if e.Stdout > 0 {
			add(e, faultproxy.MidStdout)
		}
		add(e, faultproxy.After)
	}
	return trials
}

func execs(points []faultproxy.Exchange) (count int) {
	for _, e := range points {
		if e.Exec {
			count++
		}
	}
	return count
}
