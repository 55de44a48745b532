// Package rotate replaces the login of a binding while its workloads continue to work. It contains no command line and no SQL.
package rotate

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/lookup"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/report"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/retire"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/target"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/undo"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// Workloads reads and changes workloads. *workload.Client implements it.
type Workloads interface {
	Users(ctx context.Context, namespace, secret string) ([]*workload.Workload, error)
	Patch(ctx context.Context, w *workload.Workload, change func(*workload.Workload) error, dryRun bool) (*workload.Workload, bool, error)
	Restart(ctx context.Context, w *workload.Workload, secret string, progress func(string)) error
	WaitRollout(ctx context.Context, w *workload.Workload, progress func(string)) error
	OutdatedPods(ctx context.Context, w *workload.Workload, secret string) ([]*corev1.Pod, error)
	WaitOutdatedGone(ctx context.Context, w *workload.Workload, secret string, progress func(string)) error
}

// Roles creates and drops roles on one server. *postgres.Server implements it.
type Roles interface {
	retire.Roles
	CreateUser(ctx context.Context, role string) (exists bool, err error)
	Succeed(ctx context.Context, r postgres.Successor, l postgres.Login) (*postgres.Result, error)
	EndIdle(ctx context.Context, owner postgres.Owner, role string) error
}

// Databases finds a database's Pod, container and host; *target.Finder does.
type Databases interface {
	Candidates(ctx context.Context, ref target.Ref, choice target.Choice) ([]*target.Database, error)
}

// Rotator rotates bindings.
type Rotator struct {
	Workloads Workloads
	Databases Databases
	Roles     func(d *target.Database, database string) Roles
	Kube      kubernetes.Interface
	Report    report.Reporter
}

// Rotate creates a second login role with everything that the first one has, writes it to the same Secret, replaces the Pods that use the
// first one, and then drops the first one. If a step fails or ctx ends before the first role is disabled, everything is rolled back. After
// that, or if a run was interrupted, the next run continues. If it is unknown whether the workload uses the new login, the first role
// stays until the next rotation.
func (r *Rotator) Rotate(ctx context.Context, b *lookup.Binding, o Options) error {
	p, err := r.plan(ctx, b, o)
	if err != nil {
		return err
	}
	if o.DryRun != cmdutil.DryRunNone {
		r.show(p)
		return nil
	}
	if o.InPlace {
		return r.inPlace(ctx, p)
	}
	if done, err := r.finishEarlier(ctx, p); done || err != nil {
		return err
	}
	made := &undo.Stack{Report: r.Report, Limit: o.Timeout + undo.DefaultLimit}
	if err := r.handOver(ctx, p, made); err != nil {
		return made.Run(ctx, err)
	}
	r.Report.Done("secret/"+p.SecretName, "rotated")
	return r.retireFormer(ctx, p, p.former)
}

// handOver changes everything that uses the old login to the new one.
func (r *Rotator) handOver(ctx context.Context, p *rotation, made *undo.Stack) error {
	if err := r.createSuccessor(ctx, p, made); err != nil {
		return err
	}
	made.Push(r.putPodsBack(p))
	if err := r.writeSecret(ctx, p, made); err != nil {
		return err
	}
	if err := r.replacePods(ctx, p); err != nil {
		return err
	}
	return r.drain(ctx, p, p.former)
}
