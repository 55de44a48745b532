package workload

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/fieldmanager"
)

// conflictRetries is the number of times that a change is retried after another writer's change.
const conflictRetries = 3

// Patch applies change to w and sends the difference. A patch replaces envFrom as a whole, so it contains the resource version of w: if
// another writer was faster, Patch reads w again and repeats the change on the result, up to three times.
// The same patch takes over the fields of former field managers (fieldmanager.TakeOver), also if change changed nothing.
// It returns the workload as the API server now has it. It returns false if there was nothing to change; then it sent no request.
// With dryRun the API server validates the patch and does not store it. The passed workload stays unchanged.
// A change of the containers of a Pod returns an UnchangeableError. After the last conflict apierrors.IsConflict holds for the error.
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
	// Do not use retry.RetryOnConflict of client-go: it returns nil if the context ended or one of its requests timed out.
	if conflict != nil && ctx.Err() == nil {
		err = conflict
	}
	if err != nil {
		return nil, false, err
	}
	return result, changed, nil
}

// UnchangeableError reports that a Pod cannot be changed. RecreatePod replaces it.
type UnchangeableError struct{ Pod string }

// Error names the Pod and the alternatives.
func (e UnchangeableError) Error() string {
	return fmt.Sprintf("the containers of pod/%s cannot be changed after its creation: replace the Pod with --recreate, "+
		"or bind a workload that runs it, for example a Deployment", e.Pod)
}

// Reread reads the current version of the workload. It fails if the object was deleted and its name is used by another one.
func (c *Client) Reread(ctx context.Context, w *Workload) (*Workload, error) {
	current, err := c.read(ctx, w.kind, w.Namespace(), w.Name())
	if err != nil {
		return nil, err
	}
	if current.UID() != w.UID() {
		return nil, fmt.Errorf(
			"%s in namespace %s was deleted and created again during this command: run the command again", w,
			w.Namespace(),
		)
	}
	current.carry(w)
	return current, nil
}

// patchOnce applies the change to a copy of w and sends the difference, if any.
func (c *Client) patchOnce(ctx context.Context, w *Workload, change func(*Workload) error, dryRun bool) (*Workload, bool, error) {
	changed := w.DeepCopy()
	if err := change(changed); err != nil {
		return nil, false, err
	}
	changed.keepTemplatePath()
	if err := changed.assemble(); err != nil {
		return nil, false, err
	}
	if w.IsPod() && !equality.Semantic.DeepEqual(w.template.Spec, changed.template.Spec) {
		return nil, false, UnchangeableError{Pod: w.Name()}
	}
	fields, takenOver := fieldmanager.TakeOver(w.object.GetManagedFields(), c.manager(w), w.earlier)
	if w.Equal(changed) && (w.IsPod() || !takenOver) {
		return w, false, nil
	}
	if takenOver {
		changed.object.SetManagedFields(fields)
	}
	unlocked := w.DeepCopy()
	unlocked.object.SetResourceVersion("")
	patch, err := PatchBytes(unlocked, changed)
	if err != nil {
		return nil, false, err
	}
	options := &metav1.PatchOptions{FieldManager: c.manager(w)}
	if dryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	obj := w.kind.new()
	err = c.request("PATCH", w.kind, w.Namespace()).Name(w.Name()).SetHeader("Content-Type", string(w.kind.patchType())).
		VersionedParams(options, metav1.ParameterCodec).Body(patch).Do(ctx).Into(obj)
	if err != nil {
		return nil, false, fmt.Errorf("patch %s in namespace %s: %w", w, w.Namespace(), err)
	}
	result, err := newWorkload(w.kind, obj)
	if err == nil {
		result.carry(w)
	}
	return result, true, err
}

// manager returns the field manager of changes of the workload.
func (c *Client) manager(w *Workload) string { return cmp.Or(w.manager, c.fieldManager) }

// carry copies what is not in the object from an earlier version of the workload.
func (w *Workload) carry(from *Workload) {
	w.runBy, w.manager, w.earlier = from.runBy, from.manager, from.earlier
}

// patchType returns the type of patches. Only built-in kinds accept a strategic merge patch. Both types are safe, because every patch has
// the resource version of the object.
func (k kind) patchType() types.PatchType {
	if k.isCustom() {
		return types.MergePatchType
	}
	return types.StrategicMergePatchType
}

// ReplacesLists reports whether patches of the workload contain every list that changes as a whole, also what is equal.
func (w *Workload) ReplacesLists() bool { return w.kind.isCustom() }

// PatchBytes returns the patch, in JSON, from one version of a workload to another, or nil if they are equal. It is the
// patch that Patch sends, without the resource version, so that it can be printed or applied by hand.
func PatchBytes(from, to *Workload) ([]byte, error) {
	if err := errors.Join(from.assemble(), to.assemble()); err != nil {
		return nil, err
	}
	before, err := json.Marshal(from.Object())
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", from, err)
	}
	after, err := json.Marshal(to.Object())
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", to, err)
	}
	var patch []byte
	if from.kind.isCustom() {
		patch, err = jsonmergepatch.CreateThreeWayJSONMergePatch(before, after, before)
	} else {
		patch, err = strategicpatch.CreateTwoWayMergePatch(before, after, from.kind.new())
	}
	if err != nil {
		return nil, fmt.Errorf("compare two versions of %s: %w", from, err)
	}
	if string(patch) == "{}" {
		return nil, nil
	}
	return patch, nil
}
