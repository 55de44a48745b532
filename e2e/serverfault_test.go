//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/faultproxy"
)

// TestServerFaults disturbs the server in the middle of each command, in one exec for each kind of trouble.
// TestServerFaultMatrix tries every request.
func TestServerFaults(t *testing.T) {
	t.Parallel()
	for nth, trouble := range serverTroubles() {
		t.Run(trouble.name, func(t *testing.T) {
			t.Parallel()
			trials := newTroubledDatabase(t, trouble).suffer(trouble, func(all []*trial) []*trial {
				var execs []*trial
				for _, tr := range all {
					if tr.fault.Moment == trouble.moment() && tr.exec {
						execs = append(execs, tr)
					}
				}
				require.NotEmpty(t, execs)
				return execs[nth%len(execs):][:1]
			})
			for _, tr := range trials {
				assert.False(t, tr.missed, "%s is not part of its run", tr)
			}
		})
	}
}

// suffer runs every command with the trouble at each of the chosen points, one after the other, because they share the server. It returns
// the trials.
func (f *fixture) suffer(trouble serverTrouble, choose func([]*trial) []*trial) (all []*trial) {
	f.t.Helper()
	start, bindings, failed := time.Now(), 0, 0
	for _, o := range operations(theDatabase) {
		m := &matrix{fixture: f, operation: o}
		undisturbed, other := &trial{workload: o.name}, &trial{workload: o.name + "-other"}
		points := m.points(undisturbed, other)
		now := f.sides()
		want := m.states(now, undisturbed)
		assert.Equal(f.t, want, m.states(now, other))
		trials := choose(stops(o.name, points, trouble))
		for _, tr := range trials {
			f.t.Run(o.name+" "+tr.String(), func(t *testing.T) { m.in(t).survives(tr, trouble, want) })
			if tr.result.Code != 0 {
				failed++
			}
		}
		all = append(all, trials...)
		if o.leaves {
			bindings += len(want) * (2 + len(trials))
		}
	}
	now := f.sides()
	assert.Len(f.t, now.roles, bindings, "login roles")
	assert.Equal(f.t, bindings, len(now.secrets), "Secrets") //nolint:testifylint // Len would print what they hold
	result := f.run(f.Pgbind("check"))
	assert.Zero(f.t, result.Code, "check: %s%s", result.Stdout, result.Stderr)
	f.t.Logf(
		"%s: %d runs, of which %d failed with a clear error and a clean second run, in %s", trouble.name, len(all),
		failed, time.Since(start).Round(time.Second),
	)
	return all
}

// survives runs the command, causes and ends the trouble, and completes a failed run with a second one.
func (m *matrix) survives(tr *trial, trouble serverTrouble, want []state) {
	m.t.Helper()
	m.prepare(tr)
	var err error
	tr.fault.Call = func() { err = trouble.strike(m.fixture) }
	m.faulted(tr)
	require.NoError(m.t, err, "the trouble itself")
	if !tr.missed {
		m.recover(trouble)
	}
	if tr.result.Code == 0 {
		assert.Equal(m.t, want, m.states(m.sides(), tr), "no wrong success: %s", tr.result.Stderr)
		return
	}
	assert.False(m.t, trouble.harmless, tr.result.Stderr)
	m.again(tr)
	assert.Equal(m.t, want, m.states(m.sides(), tr), tr.result.Stderr)
}

// stops returns the trials that stop a run at every point.
func stops(name string, points []faultproxy.Exchange, trouble serverTrouble) []*trial {
	var trials []*trial
	add := func(e faultproxy.Exchange, moment faultproxy.Moment, bytes int) {
		trials = append(trials, &trial{
			workload: fmt.Sprintf("%s-%d", name, len(trials)), exec: e.Exec,
			disturbance: disturbance{point: e.Request, fault: faultproxy.Fault{Action: faultproxy.Resume, Moment: moment, Bytes: bytes}},
		})
	}
	for _, e := range points {
		add(e, faultproxy.Before, 0)
		if e.Stdin > 0 && !trouble.locks {
			add(e, faultproxy.MidStdin, e.Stdin/2)
		}
		if e.Stdout > 0 {
			add(e, faultproxy.MidStdout, e.Stdout/2)
		}
		add(e, faultproxy.After, 0)
	}
	return trials
}
