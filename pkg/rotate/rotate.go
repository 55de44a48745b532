// Package rotate replaces a binding's login by a new one while its workloads go on working. It tells the story step by step; it knows no
// command line and no SQL.
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

// Workloads reads and changes workloads; *workload.Client does.
type Workloads interface {
	Users(ctx context.Context, namespace, secret string) ([]*workload.Workload, error)
	Patch(ctx context.Context, w *workload.Workload, change func(*workload.Workload) error, dryRun bool) (*workload.Workload, bool, error)
	Restart(ctx context.Context, w *workload.Workload, secret string, progress func(string)) error
	WaitRollout(ctx context.Context, w *workload.Workload, progress func(string)) error
	OutdatedPods(ctx context.Context, w *workload.Workload, secret string) ([]*corev1.Pod, error)
	WaitOutdatedGone(ctx context.Context, w *workload.Workload, secret string, progress func(string)) error
}

// Roles makes and drops roles on one server; *postgres.Server does.
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

// Rotate gives a binding a second login role with all that the first one has, hands it over in the same Secret, replaces the Pods that
// have the first one's password, and then retires the first one. Until that one is locked out, an error, the end of ctx too, undoes
// everything. From there on, and where a run died, the next run goes on. Where nobody can see whether the workload has taken the new
// login, the first role stays until the next rotation.
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

// handOver gives the new login to everything that has the former one.
func (r *Rotator) handOver(ctx context.Context, p *rotation, made *undo.Stack) error {
	if err := r.makeSuccessor(ctx, p, made); err != nil {
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
