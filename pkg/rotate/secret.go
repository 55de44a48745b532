package rotate

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/undo"
)

// writeSecret writes the new login to the Secret, and creates the Secret again if it was deleted.
func (r *Rotator) writeSecret(ctx context.Context, p *rotation, made *undo.Stack) error {
	secrets := r.Kube.CoreV1().Secrets(p.Namespace)
	made.Push(r.restoreSecret(p))
	p.since = time.Now()
	var written *corev1.Secret
	var err error
	if p.Secret == nil {
		written, err = secrets.Create(ctx, p.newSecret(), metav1.CreateOptions{FieldManager: p.options.FieldManager})
	} else {
		// The update contains the resource version, so that only one of two concurrent rotations succeeds.
		written, err = secrets.Update(ctx, p.renewed(), metav1.UpdateOptions{FieldManager: p.options.FieldManager})
	}
	if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) {
		written, err = r.joinOther(ctx, p, err)
	}
	if err != nil {
		return fmt.Errorf("write secret/%s in namespace %s: %w", p.SecretName, p.Namespace, err)
	}
	r.Report.Step("secret/%s holds the login of role %s", p.SecretName, p.role)
	return r.writeSecond(ctx, p, written)
}

// joinOther continues with the Secret that another run wrote, if it has the same role. Its password counts, and this run must not roll
// back the role.
func (r *Rotator) joinOther(ctx context.Context, p *rotation, conflict error) (*corev1.Secret, error) {
	current, c, err := r.handedOver(ctx, p)
	if err != nil || c == nil {
		return nil, errors.Join(conflict, err)
	}
	p.keepSuccessor, p.password = true, c.Password
	// Set only the password: the other run has set up the role, and may have dropped the old one.
	_, err = p.roles.Succeed(ctx, postgres.Successor{Role: p.role, Former: p.role, Owner: p.owner}, p.login(p.password))
	return current, err
}

// handedOver returns the Secret, and its login if that is the new role. Both are nil if the Secret does not exist.
func (r *Rotator) handedOver(ctx context.Context, p *rotation) (*corev1.Secret, *credentials.Credentials, error) {
	current, err := r.Kube.CoreV1().Secrets(p.Namespace).Get(ctx, p.SecretName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read secret/%s in namespace %s: %w", p.SecretName, p.Namespace, err)
	}
	c, complete := credentials.Of(current)
	if marks, _ := credentials.MarksOf(current); !complete || marks.ID != p.Marks.ID || marks.Role != p.role || c.Username != p.role {
		return current, nil, nil
	}
	return current, &c, nil
}

// renewed returns the Secret with the new login.
func (p *rotation) renewed() *corev1.Secret {
	renewed := p.Secret.DeepCopy()
	c, _ := credentials.Of(renewed)
	c.Username, c.Password = p.role, p.password
	credentials.Renew(renewed, p.marks(), c)
	return renewed
}

// newSecret returns a Secret to replace a deleted one. Its metadata comes from the workload and from the server.
func (p *rotation) newSecret() *corev1.Secret {
	name := types.NamespacedName{Namespace: p.Namespace, Name: p.SecretName}
	marks := p.marks()
	marks.Postgres, marks.PostgresNamespace, marks.Location = p.ref.String(), p.ref.Namespace, p.database.Location
	for _, holder := range p.held.Roles {
		if holder.Role == p.former {
			marks.Access = holder.Level
		}
	}
	return credentials.NewSecret(name, marks, p.fresh(), credentials.KnownKeys(marks.Choices.Keys)...)
}

// fresh returns the credentials for a new Secret.
func (p *rotation) fresh() credentials.Credentials {
	c := credentials.Credentials{Host: p.host, Username: p.role, Password: p.password, Port: p.database.Port,
		Database: p.Marks.Database, SSLMode: "disable"}
	if p.encrypted {
		c.SSLMode = "require"
	}
	return c
}

func (p *rotation) marks() credentials.Marks {
	marks := p.Marks
	marks.Run, marks.Role, marks.Generation, marks.Rotated = p.owner.Run, p.role, p.generation, p.since
	marks.Choices.PasswordFrom = "" // the new password is random
	return marks
}

// restoreSecret writes the old login back, if the Secret still has what this run wrote.
func (r *Rotator) restoreSecret(p *rotation) undo.Step {
	return undo.Step{
		What: "the new login in secret/" + p.SecretName,
		How:  fmt.Sprintf("kubectl pgbind rotate %s -n %s --secret %s", p.Name, p.Namespace, p.SecretName),
		Do: func(ctx context.Context) (bool, error) {
			done, err := r.putSecretBack(ctx, p)
			p.keepSuccessor = p.keepSuccessor || err != nil
			return done, err
		},
	}
}

func (r *Rotator) putSecretBack(ctx context.Context, p *rotation) (bool, error) {
	secrets := r.Kube.CoreV1().Secrets(p.Namespace)
	current, err := secrets.Get(ctx, p.SecretName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if marks, _ := credentials.MarksOf(current); marks.Run != p.owner.Run {
		return false, nil
	}
	if p.Secret == nil {
		err = secrets.Delete(ctx, p.SecretName, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &current.UID}})
		return err == nil, err
	}
	former := p.Secret.DeepCopy()
	former.ResourceVersion = current.ResourceVersion
	if former, err = secrets.Update(ctx, former, metav1.UpdateOptions{FieldManager: p.options.FieldManager}); err != nil {
		return false, err
	}
	return true, r.writeSecond(ctx, p, former)
}

// restorePassword sets the password that the Secret had before.
func (r *Rotator) restorePassword(p *rotation) undo.Step {
	return undo.Step{
		What: "the new password of role " + p.role,
		How:  fmt.Sprintf("kubectl pgbind rotate %s -n %s --secret %s --in-place", p.Name, p.Namespace, p.SecretName),
		Do: func(ctx context.Context) (bool, error) {
			c, ok := credentials.Of(p.Secret)
			switch {
			case p.keepSuccessor:
				return false, errors.New("the Secret may still hold it")
			case !ok:
				return false, errors.New("the Secret did not hold the old password")
			}
			_, err := p.roles.Succeed(ctx, postgres.Successor{Role: p.role, Former: p.role, Owner: p.owner}, p.login(c.Password))
			return err == nil, err
		},
	}
}
