//go:build e2e && soak

package e2e

import (
	"context"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/faultproxy"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/harness"
	"github.com/kubectl-pgbind/kubectl-pgbind/e2e/lesson"
)

// runTime is the most that a disturbed run may take.
const runTime = 90 * time.Second

// matrix tries one command many times, disturbed each time in another way, on workloads of their own that share a database.
type matrix struct {
	*fixture
	operation
}

// operation is a command under test.
type operation struct {
	name    string
	command func(workload string) []string
	binds   bool // whether it leaves a binding; otherwise it finds one
}

var operations = []operation{
	{name: "bind", command: binding, binds: true},
	{name: "unbind", command: unbinding},
}

// trial is one disturbed run.
type trial struct {
	workload string
	disturbance
	result harness.Result // what it left; empty if it was killed
}

// newDatabase deploys the lesson's database alone.
func newDatabase(t *testing.T) *fixture {
	t.Helper()
	f := newNamespace(t)
	require.NoError(t, f.ApplyLesson(f.ctx, harness.WithoutClaim, func(object *unstructured.Unstructured) error {
		if object.GetKind() != "Deployment" {
			return nil
		}
		return unstructured.SetNestedField(object.Object, int64(0), "spec", "replicas")
	}))
	f.rollout("statefulset/" + lesson.Database)
	return f
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
		faultproxy.Answer: strconv.Itoa(tr.fault.Code),
	}[tr.fault.Action]
	return action + " " + moment + " " + tr.point
}

// binding is the command that binds a workload to a Secret of a known name, so that its requests are the same each time.
func binding(workload string) []string {
	return []string{"deployment/" + workload, "--secret=" + workload + "-login", "--wait=false"}
}

func unbinding(workload string) []string {
	return []string{"unbind", "deployment/" + workload}
}

func (m *matrix) in(t *testing.T) *matrix {
	t.Helper()
	return &matrix{fixture: m.fixture.in(t), operation: m.operation}
}

// each runs a subtest for every trial, several at once.
func (m *matrix) each(name string, trials []*trial, test func(*matrix, *trial)) {
	m.t.Helper()
	m.t.Run(name, func(t *testing.T) {
		for _, tr := range trials {
			t.Run(tr.String(), func(t *testing.T) {
				t.Parallel()
				test(m.in(t), tr)
			})
		}
	})
}

// prepare makes what a trial works on.
func (m *matrix) prepare(tr *trial) {
	m.t.Helper()
	d := deployment(tr.workload, nil)
	d.Spec.Replicas = new(int32)
	_, err := m.Client.AppsV1().Deployments(m.Name).Create(m.ctx, d, metav1.CreateOptions{})
	require.NoError(m.t, err)
	if !m.binds {
		m.bind(binding(tr.workload)...)
	}
}

// disturbance is what happens to one exchange of a run.
type disturbance struct {
	point string // the exchange, as undisturbed tells it
	fault faultproxy.Fault
	kill  bool // the process, as the fault's first act
}

// point is how an exchange is called in every run.
func (m *matrix) point(e faultproxy.Exchange, workload string) string {
	return strings.NewReplacer("/namespaces/"+m.Name, "", workload, "NAME").Replace(e.String())
}

// run runs the command on the trial's workload. Its disturbance, if it has one, must happen. It returns what went over the wire.
func (m *matrix) disturb(tr *trial, flags ...string) []faultproxy.Exchange {
	m.t.Helper()
	limited, cancel := context.WithTimeout(m.ctx, runTime)
	defer cancel()
	ctx, kill := context.WithCancel(limited)
	defer kill()
	dead, fault := make(chan struct{}), tr.fault
	if tr.kill {
		fault.Call = func() { kill(); <-dead }
	}
	struck := atomic.Int32{}
	proxy, err := faultproxy.Start(m.REST, func(e faultproxy.Exchange) faultproxy.Fault {
		if m.point(e, tr.workload) != tr.point {
			return faultproxy.Fault{}
		}
		struck.Add(1)
		return fault
	})
	require.NoError(m.t, err)
	defer proxy.Close()
	dir := m.t.TempDir()
	kubeconfig := filepath.Join(dir, "kubeconfig")
	require.NoError(m.t, proxy.WriteKubeconfig(kubeconfig))
	args := slices.Concat(m.command(tr.workload), []string{"--cache-dir=" + filepath.Join(dir, "cache")}, flags)
	tr.result, err = m.Pgbind(args...).As(kubeconfig).Run(ctx)
	close(dead)
	if tr.kill {
		require.ErrorIs(m.t, err, context.Canceled, "the run was to be killed, but ended with %d: %s", tr.result.Code, tr.result.Stderr)
	} else {
		require.NoError(m.t, err)
	}
	if tr.point != "" {
		require.Equal(m.t, int32(1), struck.Load(), "%s is not part of this run: %s", tr.point, tr.result.Stderr)
	}
	return proxy.Exchanges()
}

// undisturbed runs the command on the trial's workload without a disturbance, through the proxy, and returns what went over the wire.
func (m *matrix) undisturbed(tr *trial) []faultproxy.Exchange {
	m.t.Helper()
	m.prepare(tr)
	exchanges := m.disturb(tr)
	require.Zero(m.t, tr.result.Code, tr.result.Stderr)
	for i := range exchanges {
		exchanges[i].Request = m.point(exchanges[i], tr.workload)
	}
	return exchanges
}
