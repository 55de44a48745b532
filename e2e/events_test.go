//go:build e2e

package e2e

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestEvents looks for what was done to a binding in the Events that kubectl shows.
func TestEvents(t *testing.T) {
	t.Parallel()
	f := newDatabase(t)
	f.idle("web")
	f.bind("deployment/web")
	f.requireEvents("web", "Normal Bound 1")
	f.bind("deployment/web")
	f.requireEvents("web", "Normal Bound 1") // nothing changed
	assert.Contains(t, f.eventMessages("web"), "role "+f.login(firstSecret).Username+" by secret/"+firstSecret)
	f.bind("rotate", "deployment/web", "--grace=0s")
	assert.Contains(t, f.eventMessages("web"), "to role "+f.login(firstSecret).Username)
	f.bind("rotate", "deployment/web", "--in-place")
	f.bind("unbind", "deployment/web", "--grace=0s")
	f.requireEvents("web", "Normal Bound 1", "Normal Rotated 1", "Normal Rotated 1", "Normal Unbound 1")
	described, err := f.Kubectl("describe", "deployment/web").Output(f.ctx)
	require.NoError(t, err)
	assert.Contains(t, described, "No longer bound to database")

	// A bind that refuses before it writes records nothing.
	refused := f.run(f.Pgbind("deployment/web", "--postgres=pod/nowhere"))
	require.Equal(t, 1, refused.Code)
	f.requireEvents("web", "Normal Bound 1", "Normal Rotated 1", "Normal Rotated 1", "Normal Unbound 1")

	t.Run("many workloads", func(t *testing.T) { f.in(t).testEventsOfMany() })
	t.Run("a failure that is repeated is counted up", func(t *testing.T) { f.in(t).testEventsOfFailures() })
}

// testEventsOfFailures has a workload whose Pods never become ready, and one whose Pods nobody replaces.
func (f *fixture) testEventsOfFailures() {
	f.create(deployment("never", func(spec *corev1.PodSpec) {
		spec.Containers[0].ReadinessProbe = &corev1.Probe{
			ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"false"}}},
		}
	}))
	late := f.run(f.Pgbind("deployment/never", "--timeout=1s"))
	assert.Equal(f.t, 124, late.Code, late.Stderr)
	f.requireEvents("never", "Normal Bound 1", "Warning BindFailed 1")
	late = f.run(f.Pgbind("rotate", "deployment/never", "--timeout=1s", "--grace=0s"))
	require.NotZero(f.t, late.Code, late.Stderr)
	f.requireEvents("never", "Normal Bound 1", "Warning BindFailed 1", "Warning RotateFailed 1")

	f.create(replicaSet("kept"))
	f.bind("rs/kept", "--restart")
	for range 3 {
		late := f.run(f.Pgbind("unbind", "rs/kept", "--grace=0s", "--timeout=1s"))
		assert.Equal(f.t, 124, late.Code, late.Stderr)
	}
	f.requireEvents("kept", "Normal Bound 1", "Warning UnbindFailed 3")
	f.bind("unbind", "rs/kept", "--grace=0s", "--restart")
	f.requireEvents("kept", "Normal Bound 1", "Normal Unbound 1", "Warning UnbindFailed 3")
}

func (f *fixture) testEventsOfMany() {
	names := make([]string, 0, 12)
	for n := range cap(names) {
		names = append(names, "many-"+strconv.Itoa(n))
	}
	f.idle(names...)
	args := make([]string, 0, len(names))
	for _, name := range names {
		args = append(args, "deployment/"+name)
	}
	f.bind(args...)
	f.bind("rotate", "--all")
	f.bind(append([]string{"unbind", "--grace=0s"}, args...)...)
	for _, name := range names {
		f.requireEvents(name, "Normal Bound 1", "Normal Rotated 1", "Normal Unbound 1")
	}
}

// requireEvents compares type, reason and count of the Events about a workload that the plugin recorded.
func (f *fixture) requireEvents(name string, want ...string) {
	f.t.Helper()
	var got []string
	for _, e := range f.events(name) {
		got = append(got, strings.Join([]string{e.Type, e.Reason, strconv.Itoa(int(e.Count))}, " "))
	}
	assert.ElementsMatch(f.t, want, got, "Events of %s", name)
}

func (f *fixture) eventMessages(name string) string {
	f.t.Helper()
	var text strings.Builder
	for _, e := range f.events(name) {
		text.WriteString(e.Message + "\n")
	}
	return text.String()
}

func (f *fixture) events(name string) []corev1.Event {
	f.t.Helper()
	list, err := f.Client.CoreV1().Events(f.Name).List(f.ctx, metav1.ListOptions{
		FieldSelector: "source=kubectl-pgbind,involvedObject.name=" + name,
	})
	require.NoError(f.t, err)
	return list.Items
}
