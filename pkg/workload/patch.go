package workload

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/util/wait"
)

// conflictRetries is how often a change is made again on what another writer left.
const conflictRetries = 3

// Patch applies change to w and sends the difference. envFrom is replaced as a whole by a patch, so the patch carries the version that
// it was made from: when another writer was faster, w is read again and change runs again on the result, three times at most.
// It returns the workload as the API server has it now, and false when there was nothing to change, in which case nothing was sent.
// With dryRun the API server checks and answers as if, and keeps nothing. The passed workload stays as it is.
// A change of a Pod is an UnchangeableError. After the last conflict apierrors.IsConflict holds.
func (c *Client) Patch(ctx context.Context, w *Workload, change func(*Workload) error, dryRun bool) (*Workload, bool, error) {
	result, changed := w, false
	var conflict error
	backoff := wait.Backoff{Steps: 1 + conflictRetries, Duration: 20 * time.Millisecond, Factor: 3, Jitter: 0.5}
	err := wait.ExponentialBackoffWithContext(ctx, backoff, func(ctx context.Context) (bool, error) {
		current, err := w, error(nil)
		if conflict != nil {
			current, err = c.Reread(ctx, w)
		}
		if err == nil {
			result, changed, err = c.patchOnce(ctx, current, change, dryRun)
		}
		if conflict = nil; apierrors.IsConflict(err) {
			conflict = err
			return false, nil
		}
		return err == nil, err
	})
	// client-go's retry.RetryOnConflict is not used: it returns nil when the context ended, or a request of its own timed out.
	if conflict != nil && ctx.Err() == nil {
		err = conflict
	}
	if err != nil {
		return nil, false, err
	}
	return result, changed, nil
}

// UnchangeableError says that a Pod cannot be changed but only be replaced (see RecreatePod).
type UnchangeableError struct{ Pod string }

// Error names the Pod and the ways out.
func (e UnchangeableError) Error() string {
	return fmt.Sprintf("the containers of pod/%s cannot be changed once it runs: replace it by an equal Pod with --recreate, or bind what should run it (for example a Deployment)", e.Pod)
}

// Reread gets the workload's newest version and refuses another object that has taken its name.
func (c *Client) Reread(ctx context.Context, w *Workload) (*Workload, error) {
	current, err := c.read(ctx, w.kind, w.Namespace(), w.Name())
	if err != nil {
		return nil, err
	}
	if current.UID() != w.UID() {
		return nil, fmt.Errorf("%s in namespace %s was deleted and made anew meanwhile: run the command again", w, w.Namespace())
	}
	return current, nil
}

// patchOnce makes the change on a copy of w and sends it, unless there is none.
func (c *Client) patchOnce(ctx context.Context, w *Workload, change func(*Workload) error, dryRun bool) (*Workload, bool, error) {
	changed := w.DeepCopy()
	if err := change(changed); err != nil {
		return nil, false, err
	}
	if w.Equal(changed) {
		return w, false, nil
	}
	if w.IsPod() {
		return nil, false, UnchangeableError{Pod: w.Name()}
	}
	unlocked := w.DeepCopy()
	unlocked.object.SetResourceVersion("")
	patch, err := PatchBytes(unlocked, changed)
	if err != nil {
		return nil, false, err
	}
	options := &metav1.PatchOptions{FieldManager: c.fieldManager}
	if dryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	obj := w.kind.new()
	err = c.rest(w.kind).Patch(types.StrategicMergePatchType).
		Namespace(w.Namespace()).Resource(w.kind.resource).Name(w.Name()).
		VersionedParams(options, metav1.ParameterCodec).Body(patch).Do(ctx).Into(obj)
	if err != nil {
		return nil, false, fmt.Errorf("patch %s in namespace %s: %w", w, w.Namespace(), err)
	}
	result, err := newWorkload(w.kind, obj)
	return result, true, err
}

// PatchBytes returns the strategic merge patch, in JSON, that leads from one version of a workload to another, or nil when they are
// equal. It is what Patch sends, without the version that locks it, so that it can be shown or applied by hand.
func PatchBytes(from, to *Workload) ([]byte, error) {
	before, err := json.Marshal(from.Object())
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", from, err)
	}
	after, err := json.Marshal(to.Object())
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", to, err)
	}
	patch, err := strategicpatch.CreateTwoWayMergePatch(before, after, from.kind.new())
	if err != nil {
		return nil, fmt.Errorf("compare two versions of %s: %w", from, err)
	}
	if string(patch) == "{}" {
		return nil, nil
	}
	return patch, nil
}
