package binding

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/permissions"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/server"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// requirePermissions fails items that would begin to write although a permission for a later write is missing. A dry
// run shows missing permissions for the Secret and the workload, but not for an exec. Items whose role exists ask only
// if something is refused, so that a bind without changes needs no further request.
func (r *run) requirePermissions(ctx context.Context, items []*Item) {
	each(items, func(i *Item) {
		if i.plan.action != createRole || i.Options.DryRun != cmdutil.DryRunNone || i.created != "" {
			return
		}
		if err := r.missing(ctx, i.writes(), nil); err != nil {
			i.Fail(err)
		}
	})
}

// explainForbidden adds to a refusal all other permissions that a bind lacks, unless something was written.
func (r *run) explainForbidden(ctx context.Context, i *Item) {
	if !apierrors.IsForbidden(i.Err) || i.created != "" || i.isNew || i.extended || i.accepted {
		return
	}
	if err := r.missing(ctx, slices.Concat(i.reads(), i.writes()), i.Err); err != nil {
		i.Err = err
	}
}

// missing returns an error that names the missing permissions. If they cannot be found out, the requests themselves are refused.
func (r *run) missing(ctx context.Context, wanted []permissions.Permission, refusal error) error {
	missing, err := r.reviewer.Missing(ctx, wanted)
	if err != nil || len(missing) == 0 {
		return nil //nolint:nilerr // the requests that follow need the permissions, not the review
	}
	return &permissions.MissingError{Missing: missing, Err: refusal}
}

// reads returns the permissions to read what every bind reads.
func (i *Item) reads() []permissions.Permission {
	at, ref := i.spec().PostgresNamespace, i.ref()
	pods := permissions.On(at, "list", "pods")
	if ref.Kind == server.KindPod {
		pods = permissions.On(at, "get", "pods").To(ref.Name)
	}
	resource, name := i.resource()
	return []permissions.Permission{
		{Namespace: i.namespace(), Verb: "get", Resource: resource, Name: name}, pods, permissions.On(at, "list", "services"),
		permissions.On(at, "list", "endpointslices.discovery.k8s.io"),
	}
}

// writes returns the permissions to write what a first bind writes, as far as it is not there already.
func (i *Item) writes() []permissions.Permission {
	resource, name := i.resource()
	patch := permissions.Permission{Namespace: i.namespace(), Verb: "patch", Resource: resource, Name: name}
	exec, changes := permissions.On(i.spec().PostgresNamespace, "create", "pods/exec"), true
	var wanted []permissions.Permission
	if i.plan == nil || i.plan.secret.existing == nil {
		wanted = append(wanted, permissions.On(i.namespace(), "create", "secrets"))
	}
	if i.plan != nil {
		exec.Name = i.plan.endpoint.Pod.Name
		changed, err := i.plan.checkChange()
		changes = err == nil && changed
	}
	wanted = append(wanted, exec)
	switch {
	case !changes || workload.Inject(i.Spec.Inject) == workload.InjectNone:
		return wanted
	case i.Options.Recreate && i.Workload != nil && i.Workload.IsPod():
		return append(wanted, permissions.On(i.namespace(), "create", "pods"), permissions.On(i.namespace(), "delete", "pods").To(name))
	}
	return append(wanted, patch)
}

// resource returns the resource and the name of the workload.
func (i *Item) resource() (schema.GroupResource, string) {
	if i.Workload != nil {
		return i.Workload.Resource(), i.Workload.Name()
	}
	return workload.ResourceOf(i.Spec.Workload)
}

// ExplainForbidden adds to the refusal to read a workload all other permissions that a bind of it lacks. Other errors stay unchanged.
func (p *Pipeline) ExplainForbidden(ctx context.Context, i *Item) {
	(&run{Pipeline: p, reviewer: permissions.NewReviewer(p.Kube)}).explainForbidden(ctx, i)
}
