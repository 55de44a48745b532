//go:build e2e

package e2e

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/faultproxy"
)

// TestFailover stops the primary and promotes a standby in the middle of each command's work on the primary.
func TestFailover(t *testing.T) {
	t.Parallel()
	f := newNamespace(t)
	f.replicatedPostgres()
	primary, standby, start, failed, bindings := "pg-2", "pg-1", time.Now(), 0, 0
	for nth, o := range operations("statefulset/pg") {
		m := &matrix{fixture: f, operation: o}
		points := m.undisturbed(&trial{workload: o.name})
		tr := m.onPrimary(points, primary, nth)
		t.Run(o.name+" "+tr.String(), func(t *testing.T) {
			m := m.in(t)
			m.prepare(tr)
			var err error
			tr.fault.Call = func() { err = m.failOver(primary, standby) }
			m.faulted(tr)
			require.NoError(t, err, "the failover itself")
			m.rejoin(primary, standby)
			if tr.result.Code != 0 {
				failed++
				m.again(tr)
			}
		})
		primary, standby = standby, primary
		if o.leaves {
			bindings += 2 * len(m.workloads(""))
		}
		m.requireBindings(primary, bindings)
	}
	t.Logf(
		"4 failovers, of which %d had a run fail with a clear error and a clean second run, in %s", failed,
		time.Since(start).Round(time.Second),
	)
}

// onPrimary stops a run in one of its execs in the primary's Pod, in the middle of the input.
func (m *matrix) onPrimary(points []faultproxy.Exchange, primary string, nth int) *trial {
	m.t.Helper()
	var execs []faultproxy.Exchange
	for _, e := range points {
		if e.Stdin > 0 && strings.Contains(e.Request, "/pods/"+primary+"/exec") {
			execs = append(execs, e)
		}
	}
	require.NotEmpty(m.t, execs)
	e := execs[nth%len(execs)]
	return &trial{workload: m.name + "-late", disturbance: disturbance{
		point: e.Request, fault: faultproxy.Fault{Action: faultproxy.Resume, Moment: faultproxy.MidStdin, Bytes: e.Stdin / 2},
	}}
}

// failOver stops the primary before it has sent its last changes to the standby, and promotes the standby.
func (f *fixture) failOver(primary, standby string) error {
	const die = `touch /data/hold; exec setpriv --reuid=postgres --regid=postgres --clear-groups pg_ctl stop --silent --mode=immediate --no-wait`
	if _, err := f.Kubectl("exec", primary, "--container=database", "--", "sh", "-c", die).Output(f.ctx); err != nil {
		return err
	}
	_, err := f.Kubectl(
		"exec", standby, "--container=database", "--", "psql", "--username=postgres",
		"--command=SELECT pg_promote(true, 30)",
	).Output(f.ctx)
	return err
}

// rejoin makes the former primary a standby of the new one.
func (f *fixture) rejoin(former, primary string) {
	f.t.Helper()
	copied := `run() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
		set -e; find "$PGDATA" -mindepth 1 -delete
		run pg_basebackup --host=` + primary + `.pg --username=postgres --pgdata="$PGDATA" --checkpoint=fast --write-recovery-conf; rm /data/hold`
	f.eventually("the container of the former primary is there again", func() bool {
		return f.run(
			f.Kubectl("exec", former, "--container=database", "--", "sh", "-c", "[ -e /data/hold ] && ! pg_isready --quiet"),
		).Code == 0
	})
	_, err := f.Kubectl("exec", former, "--container=database", "--", "sh", "-c", copied).Output(f.ctx)
	require.NoError(f.t, err)
	f.eventually("the former primary streams", func() bool {
		return f.sqlIn(primary, "SELECT count(*) > 0 FROM pg_stat_replication WHERE state = 'streaming'") == "t" &&
			f.sqlIn(former, "SELECT pg_is_in_recovery()") == "t"
	})
	_, err = f.Kubectl("wait", "--for=condition=Ready", "--timeout=60s", "pod/"+former).Output(f.ctx)
	require.NoError(f.t, err)
}

// requireBindings requires n complete bindings, and nothing that belongs to no binding.
func (f *fixture) requireBindings(primary string, count int) {
	f.t.Helper()
	assert.Equal(f.t, strconv.Itoa(count), f.sqlIn(primary, "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'pgb\\_%'"), "login roles")
	assert.Len(f.t, f.boundSecrets(), count)
	result := f.run(f.Pgbind("check"))
	assert.Zero(f.t, result.Code, "check: %s%s", result.Stdout, result.Stderr)
}
