package workload

import (
	"context"
	"errors"
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
)

// UsesSecret says whether Pods with that spec need the Secret, or the second one of its binding, in any way: by a variable, envFrom or a volume,
// whoever wrote it.
func UsesSecret(spec *corev1.PodSpec, secret string) bool {
	return len(uses(spec, secret)) > 0
}

// ReadsOnce says whether Pods with that spec get the Secret's values when they start and never again: by variables, or by files that are
// mounted one by one. A folder of the Secret's files follows the Secret.
func ReadsOnce(spec *corev1.PodSpec, secret string) bool {
	for u := range uses(spec, secret) {
		if u.form != InjectVolume || u.key != "" {
			return true
		}
	}
	return false
}

// use is one place where a container gets the Secret; two specs with the same set of uses give the same.
type use struct {
	secret    string
	container string
	form      Inject
	// name is the variable, the prefix of all variables, or the mount path.
	name string
	key  string
}

// uses returns every place where the spec needs the Secret, or the second one of its binding, which holds the same login.
func uses(spec *corev1.PodSpec, secret string) map[use]bool {
	found := map[use]bool{}
	for _, name := range []string{secret, credentials.ServiceBindingName(secret)} {
		addUses(found, spec, name)
	}
	return found
}

// addUses adds the places where the spec needs that one Secret.
func addUses(found map[use]bool, spec *corev1.PodSpec, secret string) {
	for _, v := range spec.Volumes {
		if showsSecret(v, secret) {
			found[use{secret: secret, form: InjectVolume, name: v.Name}] = true
		}
	}
	for _, c := range containers(spec) {
		for _, e := range c.EnvFrom {
			if refersTo(secret)(e) {
				found[use{secret, c.Name, InjectEnvFrom, e.Prefix, ""}] = true
			}
		}
		for _, e := range c.Env {
			if ref := secretKey(e, secret); ref != nil {
				found[use{secret, c.Name, InjectEnv, e.Name, ref.Key}] = true
			}
		}
		for _, m := range c.VolumeMounts {
			if found[use{secret: secret, form: InjectVolume, name: m.Name}] {
				found[use{secret, c.Name, InjectVolume, m.MountPath, m.SubPath}] = true
			}
		}
	}
}

// showsSecret says whether the volume holds the Secret, alone or among others.
func showsSecret(v corev1.Volume, secret string) bool {
	if v.Secret != nil && v.Secret.SecretName == secret {
		return true
	}
	return v.Projected != nil && slices.ContainsFunc(v.Projected.Sources, func(p corev1.VolumeProjection) bool {
		return p.Secret != nil && p.Secret.Name == secret
	})
}

// Users lists the workloads of the namespace whose template uses the Secret, or the second one of its binding, Jobs and bare Pods that have not
// ended included; what is controlled by another workload is left out, since that one is listed. With an *UnlistedError the list holds what could
// be read; with any other error, which another try may not meet, there is none.
func (c *Client) Users(ctx context.Context, namespace, secret string) ([]*Workload, error) {
	var users []*Workload
	var unlisted []error
	for _, k := range kinds() {
		objects, err := c.list(ctx, k, namespace, "")
		switch {
		case apierrors.IsForbidden(err), apierrors.IsNotFound(err):
			unlisted = append(unlisted, err)
		case err != nil:
			return nil, fmt.Errorf("find the workloads that use secret/%s: %w", secret, err)
		}
		for _, obj := range objects {
			w, err := newWorkload(k, obj)
			if err == nil && !ended(w) && !controlledByWorkload(w) && UsesSecret(&w.template.Spec, secret) {
				users = append(users, w)
			}
		}
	}
	if len(unlisted) > 0 {
		return users, &UnlistedError{Namespace: namespace, Secret: secret, err: errors.Join(unlisted...)}
	}
	return users, nil
}

// UnlistedError says that some kinds of workloads may not be listed, so that what uses a Secret is not all known.
type UnlistedError struct {
	Namespace, Secret string
	err               error
}

func (e *UnlistedError) Error() string {
	return fmt.Sprintf("not every workload of namespace %s could be asked whether it uses secret/%s: %v", e.Namespace, e.Secret, e.err)
}

// Unwrap returns the API server's refusals.
func (e *UnlistedError) Unwrap() error { return e.err }

// ended says whether the object is a Job or a Pod that has run to its end, and so needs nothing any more.
func ended(w *Workload) bool {
	switch o := w.object.(type) {
	case *corev1.Pod:
		return o.Status.Phase == corev1.PodSucceeded || o.Status.Phase == corev1.PodFailed
	case *batchv1.Job:
		return slices.ContainsFunc(o.Status.Conditions, func(c batchv1.JobCondition) bool {
			return (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue
		})
	}
	return false
}

// controlledByWorkload says whether the object's controller is of a kind that Users lists itself.
func controlledByWorkload(w *Workload) bool {
	owner := metav1.GetControllerOf(w.object)
	if owner == nil {
		return false
	}
	_, ok := kindFor(schema.FromAPIVersionAndKind(owner.APIVersion, owner.Kind).GroupKind())
	return ok
}
