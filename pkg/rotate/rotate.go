// Package rotate replaces the logins of bindings while their workloads continue to work: one pipeline for one binding
// and for many. It contains no command line and no SQL.
package rotate

import (
	"cmp"
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/droprole"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/event"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/inventory"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/phases"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/rollback"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Workloads reads and changes workloads. *workload.Client implements it.
type Workloads interface {
	UsersOf(ctx context.Context, namespace string, secrets []string) (map[string][]*workload.Workload, error)
	Patch(ctx context.Context, w *workload.Workload, change func(*workload.Workload) error, dryRun bool) (*workload.Workload, bool, error)
	Restart(ctx context.Context, w *workload.Workload, secret string, progress func(string)) error
	WaitRollout(ctx context.Context, w *workload.Workload, progress func(string)) error
	OutdatedPods(ctx context.Context, w *workload.Workload, secret string) ([]*corev1.Pod, error)
	Hidden(ctx context.Context, w *workload.Workload, secret string, keys []string) []workload.Hidden
	WaitOutdatedGone(ctx context.Context, w *workload.Workload, secret string, progress func(string)) error
}

// Roles creates and drops roles on one server. One goroutine uses it at a time. *postgres.Server implements it.
type Roles interface {
	droprole.Roles
	CreateAll(ctx context.Context, requests []postgres.Request) []postgres.Creation
	BindAll(ctx context.Context, requests []postgres.Request) []postgres.Outcome
	EndIdle(ctx context.Context, roles []postgres.LoginRole) []postgres.Change
}

// Endpoints finds the Pods of a server that can be the primary. *server.Finder implements it.
type Endpoints interface {
	Candidates(ctx context.Context, ref server.Ref, choice server.Choice) ([]*server.Endpoint, error)
}

// Rotator rotates bindings.
type Rotator struct {
	Workloads Workloads
	Endpoints Endpoints
	Roles     func(e *server.Endpoint, database string) Roles
	Kube      kubernetes.Interface
	Report    report.Reporter // several goroutines use it
	// AwaitPrimary is the pause before a server that has no primary, as during a failover, is asked again.
	AwaitPrimary time.Duration
}

// rounds limits how often a binding whose Secret another writer changed is read again.
const rounds = 5

// Rotate creates a second login role for each binding with everything that the first one has, writes it to the same
// Secret, replaces the Pods that use the first one, waits for the sessions of the first one, and then disables and drops it. If a step
// up to that wait fails or ctx ends, everything is rolled back for that binding, and the others continue. After that, or if a
// run was interrupted, the next run continues. If it is unknown whether the workload uses the new login, the first role
// stays until the next rotation. It returns the bindings that did not fail, and the errors of the others.
func (r *Rotator) Rotate(ctx context.Context, bindings []*inventory.Binding, o Options) (rotated []*inventory.Binding, err error) {
	run := newRun(r, o, len(bindings))
	items := make([]*item, len(bindings))
	for n, b := range bindings {
		items[n] = &item{Binding: b, named: o.FieldManager}
	}
	backoff := wait.Backoff{Steps: rounds, Duration: 100 * time.Millisecond, Factor: 2, Jitter: 1}
	for _, i := range phases.Repeat(ctx, items, backoff, run.round) {
		i.err = cmp.Or(context.Cause(ctx), i.conflict)
	}
	var errs []error
	for _, i := range items {
		if i.err == nil {
			rotated = append(rotated, i.Binding)
			continue
		}
		if len(items) > 1 {
			i.err = workload.About("secret/"+i.SecretName, i.Namespace, i.err)
		}
		if i.wrote {
			run.events().Warning(ctx, i.bound(), event.RotateFailed, i.err)
		}
		errs = append(errs, i.err)
	}
	return rotated, utilerrors.NewAggregate(errs)
}

// run is one call of Rotate.
type run struct {
	*Rotator
	options Options
	servers *servers
}

func newRun(r *Rotator, o Options, items int) *run {
	return &run{Rotator: r, options: o, servers: newServers(r.Roles, items)}
}

// round reads, plans and rotates bindings, and returns those whose Secret another writer changed, with everything rolled back.
func (r *run) round(ctx context.Context, items []*item) (again []*item) {
	each(items, func(i *item) { i.err = r.reset(ctx, i) })
	phases.Through(ctx, items, r.observe, r.plan, r.dryRun)
	if r.options.DryRun != cmdutil.DryRunNone {
		for _, i := range phases.Open(items) {
			r.show(i)
		}
		return nil
	}
	rotate := r.rotate
	if r.options.InPlace {
		rotate = r.inPlace
	}
	eachGroup(phases.Open(items), podOf, func(_ types.NamespacedName, of []*item) { rotate(ctx, of) })
	for _, i := range items {
		if i.conflict != nil {
			again = append(again, i)
		}
	}
	return again
}

// rotate takes the bindings of one server through the phases. If one fails up to the wait for sessions, what was done for that binding is
// rolled back.
func (r *run) rotate(ctx context.Context, items []*item) {
	phases.Through(ctx, items, r.finishEarlier, r.successors, r.secrets, r.pods, r.waitForSessions)
	r.rollBack(ctx, items)
	handedOver := phases.Open(items)
	for _, i := range handedOver {
		i.toRollBack, i.wrote = rollback.Stack{}, true
		r.Report.Done("secret/"+i.SecretName, "rotated")
	}
	each(handedOver, func(i *item) {
		r.events().Normal(ctx, i.bound(), event.Rotated, fmt.Sprintf(
			"Rotated secret/%s from role %s to role %s", i.SecretName, i.plan.former, i.plan.role,
		))
	})
	r.retire(ctx, handedOver)
}

// inPlace changes the passwords of the current roles, and the Secrets.
func (r *run) inPlace(ctx context.Context, items []*item) {
	phases.Through(ctx, items, r.passwords, r.secrets)
	r.rollBack(ctx, items)
	for _, i := range phases.Open(items) {
		r.Report.Done("secret/"+i.SecretName, "rotated in place")
		r.events().Normal(ctx, i.bound(), event.Rotated, fmt.Sprintf(
			"Changed the password of role %s in secret/%s", i.plan.role, i.SecretName,
		))
		for _, user := range i.users {
			if i.restarts(user) {
				r.Report.Warn(
					"the Pods of %s have the old password: open sessions continue, but new ones fail until you run: kubectl rollout restart %s -n %s",
					user,
					user,
					i.Namespace,
				)
			}
		}
	}
}

// events records Events about workloads.
func (r *run) events() event.Recorder { return event.Recorder{Kube: r.Kube, Report: r.Report} }

// rollBack rolls back what was done for items that failed or met another writer.
func (r *run) rollBack(ctx context.Context, items []*item) {
	each(items, func(i *item) {
		if i.err == nil && i.conflict == nil {
			return
		}
		i.toRollBack.Report, i.wrote = r.Report, i.wrote || !i.toRollBack.Empty()
		if i.toRollBack.Limit = rollback.DefaultLimit + time.Duration(len(items)-1)*undoEach; !r.options.InPlace {
			i.toRollBack.Limit += r.options.Timeout
		}
		_ = i.toRollBack.Run(ctx, nil) // the item has its error
		i.toRollBack = rollback.Stack{}
	})
}

// undoEach is how much longer a roll-back may take for each item that may be in the way.
const undoEach = 100 * time.Millisecond
