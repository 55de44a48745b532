package rotate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/api/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/fieldmanager"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/rollback"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

// secrets writes the new logins to the Secrets.
func (r *run) secrets(ctx context.Context, items []*item) {
	each(items, func(i *item) {
		if !r.options.InPlace {
			i.toRollBack.Push(r.restorePods(i))
		}
		i.toRollBack.Push(r.restoreSecret(i))
		err := r.writeSecret(ctx, i)
		switch conflict := (*changedError)(nil); {
		case errors.As(err, &conflict):
			i.retry(err)
		case err != nil:
			i.err = err
		}
	})
}

// changedError reports that another writer changed the Secret, and that it does not hold the login of a concurrent rotation.
type changedError struct{ err error }

func (e *changedError) Error() string { return e.err.Error() }

// Unwrap returns the error of the API server.
func (e *changedError) Unwrap() error { return e.err }

// writeSecret writes the new login to the Secret, and creates the Secret again if it was deleted.
func (r *run) writeSecret(ctx context.Context, i *item) error {
	secrets := r.Kube.CoreV1().Secrets(i.Namespace)
	i.since = time.Now()
	written, err := i.wantedSecret()
	switch {
	case err != nil:
	case i.Secret == nil:
		written, err = secrets.Create(ctx, written, metav1.CreateOptions{FieldManager: i.manager()})
	default:
		// The update contains the resource version, so that only one of two concurrent rotations succeeds.
		written, err = secrets.Update(ctx, written, metav1.UpdateOptions{FieldManager: i.manager()})
	}
	if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) {
		written, err = r.joinOther(ctx, i, err)
	}
	if err != nil {
		return fmt.Errorf("write secret/%s in namespace %s: %w", i.SecretName, i.Namespace, err)
	}
	r.Report.Step("secret/%s holds the login of role %s", i.SecretName, i.plan.role)
	return r.writeSecond(ctx, i, written)
}

// joinOther continues with the Secret that another run wrote, if it has the new login. Its password counts, and this
// run must not roll back the role.
func (r *run) joinOther(ctx context.Context, i *item, conflict error) (*corev1.Secret, error) {
	current, c, err := r.holds(ctx, i, i.plan.role)
	if err != nil {
		return nil, errors.Join(conflict, err)
	}
	if c == nil || i.Secret != nil && isLoginOf(i.Secret, *c) {
		return nil, &changedError{conflict}
	}
	i.keepSuccessor, i.password = true, c.Password
	// Set only the password: the other run has set up the role, and may have dropped the old one.
	r.bindAll(ctx, []*item{i}, func(i *item) postgres.Request { return i.request(i.plan.role, i.password) })
	return current, i.err
}

// isLoginOf reports whether the Secret holds the login.
func isLoginOf(s *corev1.Secret, login secret.Credentials) bool {
	c, ok := secret.Of(s)
	return ok && c.Username == login.Username && c.Password == login.Password
}

// holds returns the Secret, and its login if that is the role's. Both are nil if the Secret does not exist.
func (r *run) holds(ctx context.Context, i *item, role string) (*corev1.Secret, *secret.Credentials, error) {
	current, err := r.Kube.CoreV1().Secrets(i.Namespace).Get(ctx, i.SecretName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read secret/%s in namespace %s: %w", i.SecretName, i.Namespace, err)
	}
	c, complete := secret.Of(current)
	if marks, _ := secret.MarksOf(current); !complete || marks.ID != i.Marks.ID || marks.Role != role || c.Username != role {
		return current, nil, nil
	}
	return current, &c, nil
}

// writeSecond copies the new login to the binding's second Secret, if it has one, and creates that again if it was deleted with the first.
func (r *run) writeSecond(ctx context.Context, i *item, first *corev1.Secret) error {
	name := secret.ServiceBindingName(first.Name)
	secrets := r.Kube.CoreV1().Secrets(first.Namespace)
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		second, err := secrets.Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) && i.Secret == nil && i.Marks.HasKey(v1alpha1.KeyServiceBinding) {
			if second, err = secret.NewServiceBinding(first, i.fresh()); err != nil {
				return err
			}
			_, err = secrets.Create(ctx, second, metav1.CreateOptions{FieldManager: i.manager()})
			return err
		}
		if err != nil {
			return err
		}
		if !secret.IsServiceBindingOf(second, first) {
			return nil
		}
		if err := secret.RenewServiceBinding(second, first); err != nil {
			return err
		}
		second.ManagedFields, _ = fieldmanager.TakeOver(second.ManagedFields, i.manager(), i.Marks.FieldManager)
		_, err = secrets.Update(ctx, second, metav1.UpdateOptions{FieldManager: i.manager()})
		return err
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("write secret/%s in namespace %s: %w", name, first.Namespace, err)
	}
	return nil
}

// wantedSecret returns the Secret with the new login.
func (i *item) wantedSecret() (*corev1.Secret, error) {
	if i.Secret == nil {
		return i.newSecret()
	}
	renewed := i.Secret.DeepCopy()
	renewed.ManagedFields, _ = fieldmanager.TakeOver(renewed.ManagedFields, i.manager(), i.Marks.FieldManager)
	c, _ := secret.Of(renewed)
	c.Username, c.Password = i.plan.role, i.password
	return renewed, secret.Renew(renewed, i.marks(), c)
}

// newSecret returns a Secret to replace a deleted one. Its metadata comes from the workload and from the server.
func (i *item) newSecret() (*corev1.Secret, error) {
	name := types.NamespacedName{Namespace: i.Namespace, Name: i.SecretName}
	marks := i.marks()
	marks.Postgres, marks.PostgresNamespace, marks.Location = i.ref.String(), i.ref.Namespace, i.endpoint.Location
	for _, holder := range i.held.Roles {
		if holder.Role == i.plan.former {
			marks.Access = holder.Level
		}
	}
	return secret.NewSecret(name, marks, i.fresh())
}

// fresh returns the credentials for a new Secret.
func (i *item) fresh() secret.Credentials {
	c := secret.Credentials{
		Host:     cmp.Or(i.host, i.endpoint.HostName(), i.endpoint.PodIP),
		Username: i.plan.role,
		Password: i.password,
		Port:     i.endpoint.Port,
		Database: i.Marks.DBName,
		SSLMode:  "disable",
	}
	if i.encrypted {
		c.SSLMode = "require"
	}
	return c
}

func (i *item) marks() secret.Marks {
	marks := i.Marks
	marks.FieldManager = cmp.Or(i.named, marks.FieldManager)
	marks.Run, marks.Role, marks.Generation, marks.Rotated = i.plan.owner.Run, i.plan.role, i.plan.generation, &metav1.Time{Time: i.since}
	marks.PasswordFrom = "" // the new password is random
	return marks
}

// restoreSecret writes the old login back, if the Secret still has what this run wrote.
func (r *run) restoreSecret(i *item) rollback.Step {
	return rollback.Step{
		What: "the new login in secret/" + i.SecretName,
		How:  i.command(),
		Do: func(ctx context.Context) (bool, error) {
			done, err := r.putSecretBack(ctx, i)
			i.keepSuccessor = i.keepSuccessor || err != nil
			return done, err
		},
	}
}

func (r *run) putSecretBack(ctx context.Context, i *item) (bool, error) {
	secrets := r.Kube.CoreV1().Secrets(i.Namespace)
	current, err := secrets.Get(ctx, i.SecretName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if marks, _ := secret.MarksOf(current); marks.Run != i.plan.owner.Run {
		return false, nil
	}
	if i.Secret == nil {
		err = secrets.Delete(ctx, i.SecretName, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &current.UID}})
		return err == nil, err
	}
	former := i.Secret.DeepCopy()
	former.ResourceVersion, former.ManagedFields = current.ResourceVersion, current.ManagedFields
	if former, err = secrets.Update(ctx, former, metav1.UpdateOptions{FieldManager: i.manager()}); err != nil {
		return false, err
	}
	return true, r.writeSecond(ctx, i, former)
}
