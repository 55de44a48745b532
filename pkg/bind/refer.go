package bind

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/workload"
)

// refer writes the reference into the workload.
func (b *Binder) refer(ctx context.Context, p *plan) (*workload.Workload, bool, error) {
	bound, changed, err := b.Workloads.Patch(ctx, p.workload, p.change, false)
	if err == nil {
		return bound, changed, nil
	}
	if status := apierrors.APIStatus(nil); !errors.As(err, &status) {
		// The connection broke: the API server may have accepted the patch, and a binding that Pods use must not be taken back.
		if bound, ok := b.accepted(ctx, p); ok {
			return bound, true, nil
		}
	}
	return nil, false, fmt.Errorf("refer to secret/%s from %s: %w", p.secret.name, p.workload, err)
}

// accepted looks whether the reference is there after all.
func (b *Binder) accepted(ctx context.Context, p *plan) (*workload.Workload, bool) {
	ctx, cancel := afterEnd(ctx)
	defer cancel()
	current, err := b.Workloads.Reread(ctx, p.workload)
	if err != nil {
		return nil, false
	}
	wanted := current.DeepCopy()
	if err := p.change(wanted); err != nil {
		return nil, false
	}
	patch, err := workload.PatchBytes(current, wanted)
	return current, err == nil && patch == nil
}
