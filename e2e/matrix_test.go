//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/faultproxy"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// runTime limits a disturbed run.
const runTime = 3 * time.Minute

// requestTimeout is how long a run waits for an answer.
const requestTimeout = 12 * time.Second

// matrix runs a command many times and disturbs each run in another way. Each run has a workload of its own, and all share a database.
type matrix struct {
	*fixture
	operation
}

// operation is a command under test.
type operation struct {
	name    string
	command func(workload string) []string
	stdin   func(workload string) string
	finds   func(workload string) []string // a command that runs first; nil: none
	leaves  bool                           // a binding
	pair    bool                           // works on a second workload too
}

// operations returns the operations on a database, named as in --postgres.
func operations(database string) []operation {
	binding := func(workload string) []string { return binding(workload, database) }
	nothing := func(string) string { return "" }
	return []operation{
		{name: "bind", command: binding, stdin: nothing, leaves: true},
		{name: "unbind", command: unbinding, stdin: nothing, finds: binding},
		{name: "rotate", command: rotation, stdin: nothing, finds: binding, leaves: true},
		{
			name:    "apply",
			command: applying,
			stdin:   func(workload string) string { return manifest(workload, database) },
			leaves:  true,
			pair:    true,
		},
	}
}

// theDatabase is the lesson's.
const theDatabase = "pod/" + lesson.DatabasePod

// workloads returns the workloads of an operation, by the name of the trial's workload.
func (o operation) workloads(name string) []string {
	if o.pair {
		return []string{name, name + second}
	}
	return []string{name}
}

// second is the suffix of a trial's second workload.
const second = "-too"

// trial is one disturbed run.
type trial struct {
	workload string
	disturbance
	exec   bool           // the disturbed exchange is an exec
	missed bool           // the point did not occur, and the run was not disturbed
	result harness.Result // empty if it was killed
}

// String names the trial.
func (tr *trial) String() string {
	moment := map[faultproxy.Moment]string{
		faultproxy.Before: "before", faultproxy.MidStdin: "in stdin of", faultproxy.MidStdout: "in stdout of", faultproxy.After: "after",
	}[tr.fault.Moment]
	if tr.kill {
		return "killed " + moment + " " + tr.point
	}
	action := map[faultproxy.Action]string{
		faultproxy.Reset: "reset", faultproxy.Stall: "stalled", faultproxy.Refuse: "upgrade refused", faultproxy.Swallow: "false success",
		faultproxy.Answer: strconv.Itoa(tr.fault.Code), faultproxy.Resume: "stopped",
	}[tr.fault.Action]
	return action + " " + moment + " " + tr.point
}

// binding is the command that binds a workload to a Secret of a known name, so that its requests are the same each time.
func binding(workload, database string) []string {
	return []string{"deployment/" + workload, "--secret=" + workload + "-login", "--wait=false", "--postgres=" + database}
}

func unbinding(workload string) []string {
	return []string{"unbind", "deployment/" + workload}
}

func rotation(workload string) []string {
	return []string{"rotate", "deployment/" + workload, "--settle=1s"}
}

// applying applies one binding after the other, so that the requests of two runs have the same order.
func applying(string) []string {
	return []string{"apply", "--filename=-", "--concurrency=1", "--wait=false"}
}

func manifest(workload, database string) string {
	const document = "---\napiVersion: pgbind.dev/v1alpha1\nkind: Binding\nspec: {workload: deployment/%[1]s, secret: %[1]s-login, postgres: %[2]s}\n"
	return fmt.Sprintf(document, workload, database) + fmt.Sprintf(document, workload+second, database)
}

func (m *matrix) in(t *testing.T) *matrix {
	t.Helper()
	return &matrix{fixture: m.fixture.in(t), operation: m.operation}
}

// prepare creates the workloads of a trial.
func (m *matrix) prepare(tr *trial) {
	m.t.Helper()
	for _, workload := range m.workloads(tr.workload) {
		_, err := m.Client.AppsV1().Deployments(m.Name).Create(m.ctx, small(deployment(workload, nil)), metav1.CreateOptions{})
		require.NoError(m.t, err)
		m.settled(workload)
		if m.finds != nil {
			m.bind(m.finds(workload)...)
			m.settled(workload)
		}
	}
}

// settled waits until the controllers no longer write to a Deployment.
func (m *matrix) settled(workload string) {
	m.t.Helper()
	err := wait.PollUntilContextTimeout(m.ctx, 100*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		d := m.deployment(workload)
		return d.Status.ObservedGeneration == d.Generation &&
			slices.ContainsFunc(d.Status.Conditions, func(c appsv1.DeploymentCondition) bool {
				return c.Reason == "NewReplicaSetAvailable"
			}), nil
	})
	require.NoError(m.t, err, workload)
}

// disturbance is what happens to one exchange of a run.
type disturbance struct {
	point string // the exchange, as undisturbed names it
	fault faultproxy.Fault
	kill  bool // the process, as the fault's first act
}

// disturb runs the command on the trial's workload. If the disturbance does not occur, the command must succeed. It returns the exchanges.
func (m *matrix) disturb(tr *trial, flags ...string) []faultproxy.Exchange {
	m.t.Helper()
	limited, cancel := context.WithTimeout(m.ctx, runTime)
	defer cancel()
	ctx, kill := context.WithCancel(limited)
	defer kill()
	dead, struck, fault := make(chan struct{}), atomic.Int32{}, tr.fault
	fault.Call = func() {
		struck.Add(1)
		switch {
		case tr.kill:
			kill()
			<-dead
		case tr.fault.Call != nil:
			tr.fault.Call()
		}
	}
	names := m.naming(tr.workload)
	proxy, err := faultproxy.Start(m.REST, func(e faultproxy.Exchange) faultproxy.Fault {
		if names.point(e) != tr.point {
			return faultproxy.Fault{}
		}
		return fault
	})
	require.NoError(m.t, err)
	defer proxy.Close()
	dir := m.t.TempDir()
	kubeconfig := filepath.Join(dir, "kubeconfig")
	require.NoError(m.t, proxy.WriteKubeconfig(kubeconfig))
	args := slices.Concat(m.command(tr.workload), []string{"--cache-dir=" + filepath.Join(dir, "cache")}, flags)
	tr.result, err = m.Pgbind(args...).Stdin(m.stdin(tr.workload)).As(kubeconfig).Run(ctx)
	close(dead)
	tr.missed = tr.point != "" && struck.Load() == 0
	if tr.kill && !tr.missed {
		require.ErrorIs(m.t, err, context.Canceled, "the run was to be killed, but ended with %d: %s", tr.result.Code, tr.result.Stderr)
	} else {
		require.NoError(m.t, err)
	}
	require.LessOrEqual(m.t, struck.Load(), int32(1), tr.point)
	if tr.missed {
		require.Zero(m.t, tr.result.Code, tr.result.Stderr)
		m.t.Logf("%s is not part of this run: %s", tr.point, tr.result.Stderr)
	}
	return proxy.Exchanges()
}

// again runs the command without a disturbance, which must succeed.
func (m *matrix) again(tr *trial) {
	result := m.run(m.Pgbind(m.command(tr.workload)...).Stdin(m.stdin(tr.workload)))
	assert.Zero(m.t, result.Code, result.Stderr)
}

// faulted runs the trial. If it fails, its error must be clear.
func (m *matrix) faulted(tr *trial) {
	var flags []string
	if tr.fault.Action == faultproxy.Stall {
		flags = append(flags, "--request-timeout="+requestTimeout.String())
	}
	m.disturb(tr, flags...)
	text := tr.result.Stdout + tr.result.Stderr
	m.requireNoPassword(text)
	assert.NotContains(m.t, text, "SCRAM-SHA-256$")
	if tr.result.Code == 0 {
		assert.NotContains(m.t, tr.result.Stderr, "error: ")
		return
	}
	assert.Regexp(m.t, `(?m)^error: .*(`+tr.workload+`|`+m.Name+`|postgresql-sfs-0|pod/pg-)`, tr.result.Stderr, "names an object")
	assert.NotRegexp(m.t, goDump, tr.result.Stderr)
	m.t.Logf("exit %d: %s", tr.result.Code, tr.result.Stderr)
}

// undisturbed runs the command on the trial's workload without a disturbance, through the proxy, and returns the exchanges.
func (m *matrix) undisturbed(tr *trial) []faultproxy.Exchange {
	m.t.Helper()
	m.prepare(tr)
	exchanges := m.disturb(tr)
	require.Zero(m.t, tr.result.Code, tr.result.Stderr)
	names := m.naming(tr.workload)
	for i := range exchanges {
		exchanges[i].Request = names.point(exchanges[i])
	}
	return exchanges
}

// states are those of all workloads of a trial.
func (m *matrix) states(s *sides, tr *trial) []state {
	var all []state
	for _, workload := range m.workloads(tr.workload) {
		all = append(all, s.of(workload))
	}
	return all
}
