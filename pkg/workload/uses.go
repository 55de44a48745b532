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

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

// UsesSecret reports whether Pods with that spec use the Secret, or the second Secret of its binding, in any way: in a variable, in envFrom
// or in a volume.
func UsesSecret(spec *corev1.PodSpec, secret string) bool {
	return len(uses(spec, secret)) > 0
}

// ReadsOnce reports whether Pods with that spec get the Secret's values only when they start: as variables, or as files that are mounted
// one by one. The files of a mounted directory follow the Secret.
func ReadsOnce(spec *corev1.PodSpec, secret string) bool {
	for u := range uses(spec, secret) {
		if u.form != InjectVolume || u.key != "" {
			return true
		}
	}
	return false
}

// use is one use of the Secret in a container. Two specs with the same set of uses are equivalent.
type use struct {
	secret    string
	container string
	form      Inject
	// name is the variable, the prefix of all variables, or the mount path.
	name string
	key  string
}

// uses returns every use of the Secret, or of the second Secret of its binding, which holds the same login.
func uses(spec *corev1.PodSpec, secretName string) map[use]bool {
	found := map[use]bool{}
	for _, name := range []string{secretName, secret.ServiceBindingName(secretName)} {
		addUses(found, spec, name)
	}
	return found
}

// addUses adds the uses of one Secret.
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

// showsSecret reports whether the volume contains the Secret, alone or with others.
func showsSecret(v corev1.Volume, secret string) bool {
	if v.Secret != nil && v.Secret.SecretName == secret {
		return true
	}
	return v.Projected != nil && slices.ContainsFunc(v.Projected.Sources, func(p corev1.VolumeProjection) bool {
		return p.Secret != nil && p.Secret.Name == secret
	})
}

// Users is UsersOf for one Secret.
func (c *Client) Users(ctx context.Context, namespace, secret string) ([]*Workload, error) {
	users, err := c.UsersOf(ctx, namespace, []string{secret})
	return users[secret], err
}

// UsersOf returns, for each of the Secrets of the namespace, the workloads whose template uses the Secret or the second
// Secret of its binding, including Jobs and bare Pods that have not ended. It lists each kind once. It omits workloads
// that another one controls. With an *UnlistedError it returns the workloads that could be read; with any other error,
// which may be temporary, it returns none.
func (c *Client) UsersOf(ctx context.Context, namespace string, secrets []string) (map[string][]*Workload, error) {
	users := map[string][]*Workload{}
	var unlisted []error
	listed := map[schema.GroupKind]bool{}
	custom, err := c.servedKinds(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the workloads that use %s: %w", nameOf(secrets), err)
	}
	for _, k := range append(kinds(), custom...) {
		objects, err := c.list(ctx, k, namespace, "")
		switch {
		case k.isCustom() && (apierrors.IsForbidden(err) || apierrors.IsNotFound(err)):
			// The kind is not served, or of no interest to this user. If it is in use, the objects that it controls count: they are listed.
			continue
		case apierrors.IsForbidden(err), apierrors.IsNotFound(err):
			unlisted = append(unlisted, err)
		case err != nil:
			return nil, fmt.Errorf("find the workloads that use %s: %w", nameOf(secrets), err)
		}
		for _, obj := range objects {
			w, err := newWorkload(k, obj)
			if err != nil || ended(w) {
				continue
			}
			for _, secret := range secrets {
				if UsesSecret(&w.template.Spec, secret) {
					users[secret] = append(users[secret], w)
				}
			}
		}
		listed[k.gvk.GroupKind()] = true
	}
	for secret := range users {
		users[secret] = slices.DeleteFunc(users[secret], func(w *Workload) bool { return controlledBy(w, listed) })
	}
	if len(unlisted) > 0 {
		return users, &UnlistedError{Namespace: namespace, Secrets: secrets, err: errors.Join(unlisted...)}
	}
	return users, nil
}

// nameOf names one Secret, or counts several.
func nameOf(secrets []string) string {
	if len(secrets) == 1 {
		return "secret/" + secrets[0]
	}
	return fmt.Sprintf("one of %d Secrets", len(secrets))
}

// UnlistedError reports that some kinds of workloads could not be listed, so that other users of the Secret may exist.
type UnlistedError struct {
	Namespace string
	Secrets   []string
	err       error
}

func (e *UnlistedError) Error() string {
	return fmt.Sprintf("cannot list all workloads of namespace %s, and some may use %s: %v", e.Namespace, nameOf(e.Secrets), e.err)
}

// Unwrap returns the errors of the API server.
func (e *UnlistedError) Unwrap() error { return e.err }

// PodEnded reports whether the Pod has ended: none of its containers runs or starts again.
func PodEnded(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// ended reports whether the object is a Job or a Pod that has ended.
func ended(w *Workload) bool {
	switch o := w.object.(type) {
	case *corev1.Pod:
		return PodEnded(o)
	case *batchv1.Job:
		return slices.ContainsFunc(o.Status.Conditions, func(c batchv1.JobCondition) bool {
			return (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue
		})
	}
	return false
}

// controlledBy reports whether the object's controller is of one of the kinds, so that the controller counts.
func controlledBy(w *Workload, listed map[schema.GroupKind]bool) bool {
	owner := metav1.GetControllerOf(w.object)
	if owner == nil {
		return false
	}
	gk := schema.FromAPIVersionAndKind(owner.APIVersion, owner.Kind).GroupKind()
	if gk.Group == knativeGroup {
		gk.Kind = "Service" // it controls the Revision
	}
	return listed[gk]
}
