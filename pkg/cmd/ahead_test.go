package cmd

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/bind"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/podexec"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
)

// waitingExec runs commands that go on until their context ends.
type waitingExec struct {
	mu         sync.Mutex
	containers []podexec.Container
	running    int
	ended      sync.WaitGroup
}

func (w *waitingExec) Exec(ctx context.Context, c podexec.Container, _ []string, _ podexec.Streams) error {
	w.mu.Lock()
	w.containers = append(w.containers, c)
	w.ended.Add(1)
	w.running++
	w.mu.Unlock()
	defer w.ended.Done()
	<-ctx.Done()
	w.mu.Lock()
	w.running--
	w.mu.Unlock()
	return ctx.Err()
}

func (w *waitingExec) begun() []podexec.Container {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.containers)
}

func (w *waitingExec) runs() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.running
}

func databaseWith(port int32, containers ...string) *target.Database {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "pg-0"}}
	for _, name := range containers {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: name})
	}
	return &target.Database{Pod: pod, Container: containers[0], PodPort: port}
}

func TestTheExecBeginsBesideTheLookAtThePod(t *testing.T) {
	options := func(change func(*bind.Options)) bind.Options {
		o := bind.Options{Postgres: target.Ref{Kind: target.KindPod, Name: "pg-0", Namespace: "ns"}, AdminUser: "postgres", Database: "postgres"}
		change(&o)
		return o
	}
	as := func(*bind.Options) {}
	chosen := func(o *bind.Options) { o.Choice.Container = "db" }
	for name, test := range map[string]struct {
		change   func(*bind.Options)
		database *target.Database
		begins   int // execs, when the Pod is known and the server is to be connected
	}{
		"the Pod has one container":      {as, databaseWith(5432, "db"), 1},
		"the container was named":        {chosen, databaseWith(5432, "db", "sidecar"), 1},
		"the Pod has several":            {as, databaseWith(5432, "db", "sidecar"), 2},
		"the server has another port":    {as, databaseWith(5433, "db"), 2},
		"the database is another":        {as, &target.Database{Pod: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "pg-1"}}, Container: "db", PodPort: 5432}, 2},
		"the database is no Pod by name": {func(o *bind.Options) { o.Postgres.Kind = target.KindService }, databaseWith(5432, "db"), 1},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			exec := &waitingExec{}
			c := &clients{exec: exec, limit: time.Minute}
			o := options(test.change)
			roles := c.rolesAhead(ctx, &bindRun{args: []string{"deployment/web"}}, o)
			if o.Postgres.Kind == target.KindPod {
				require.Eventually(t, func() bool { return len(exec.begun()) == 1 }, time.Second, time.Millisecond)
			}
			roles(test.database, o).Connect(ctx)
			require.Eventually(t, func() bool { return len(exec.begun()) == test.begins }, time.Second, time.Millisecond)
			time.Sleep(10 * time.Millisecond)
			assert.Len(t, exec.begun(), test.begins)
			assert.Equal(t, 1, exec.runs(), "one that is of no use is ended")
			roles(test.database, o).Connect(ctx)
			require.Eventually(t, func() bool { return len(exec.begun()) == test.begins+1 }, time.Second, time.Millisecond, "it serves once")
			cancel()
			exec.ended.Wait()
		})
	}
	t.Run("one that has ended is begun again", func(t *testing.T) {
		exec := &waitingExec{}
		c := &clients{exec: exec, limit: time.Minute}
		early, end := context.WithCancel(t.Context())
		o := options(as)
		roles := c.rolesAhead(early, &bindRun{args: []string{"deployment/web"}}, o)
		require.Eventually(t, func() bool { return exec.runs() == 1 }, time.Second, time.Millisecond)
		end()
		require.Eventually(t, func() bool { return exec.runs() == 0 }, time.Second, time.Millisecond)
		time.Sleep(10 * time.Millisecond) // until it is heard of
		roles(databaseWith(5432, "db"), o).Connect(t.Context())
		require.Eventually(t, func() bool { return len(exec.begun()) == 2 }, time.Second, time.Millisecond)
	})
	t.Run("not where it would be in vain", func(t *testing.T) {
		exec := &waitingExec{}
		c := &clients{exec: exec, limit: time.Minute}
		one := []string{"deployment/web"}
		c.rolesAhead(t.Context(), &bindRun{args: one}, options(func(o *bind.Options) { o.DryRun = bind.DryRunServer }))
		c.rolesAhead(t.Context(), &bindRun{args: append(one, "deployment/api")}, options(as))
		c.rolesAhead(t.Context(), &bindRun{args: one, sources: sources{admin: credentials.Source{Kind: credentials.FromStdin}}}, options(as))
		c.rolesAhead(t.Context(), &bindRun{args: one, sources: sources{password: credentials.Source{Kind: credentials.FromStdin}}}, options(as))
		time.Sleep(10 * time.Millisecond)
		assert.Empty(t, exec.begun())
	})
}
