package bind

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/apis/v1alpha1"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
)

// slot is the Secret that a binding has or will have.
type slot struct {
	name       string
	generation int            // of the login role whose credentials it holds
	existing   *corev1.Secret // nil: not there yet
	created    bool           // by this run
	remarked   bool           // by this run: its marks told of other choices
}

// errTaken says that a Secret of that name belongs to something else.
var errTaken = errors.New("it exists and is not this binding's")

// chooseSecret finds the binding's Secret, or a name that is free for it, and takes over the password of one that is there.
func (b *Binder) chooseSecret(ctx context.Context, p *plan) error {
	remembered, generation := p.remembered()
	name := cmp.Or(p.options.Secret, remembered)
	if name != "" {
		p.use(slot{name: name, generation: generation})
		err := b.trySecret(ctx, p, name == remembered)
		if errors.Is(err, errTaken) {
			return fmt.Errorf("secret/%s in namespace %s: %w: choose another name with --secret, or delete it", name, p.workload.Namespace(), err)
		}
		return err
	}
	for name := range credentials.SecretNames {
		p.use(slot{name: name, generation: generation})
		if err := b.trySecret(ctx, p, false); !errors.Is(err, errTaken) {
			return err
		}
	}
	return nil
}

// remembered is the Secret that the workload's annotation names for this binding, and the generation to make if that Secret is gone:
// the next one, since Pods still run with the last one's password.
func (p *plan) remembered() (name string, generation int) {
	for secret, a := range credentials.AnnotationsOf(p.workload.Annotations()) {
		if a.ID == p.binding.Owner.ID {
			return secret, a.Generation + 1
		}
	}
	return "", 1
}

// trySecret takes the planned name for the binding's Secret: it is free (asked by a dry run), or the Secret is this binding's already.
// likely says that it is expected to be there.
func (b *Binder) trySecret(ctx context.Context, p *plan, likely bool) error {
	name, namespace := p.secret.name, p.workload.Namespace()
	askOnly := p.options.DryRun == DryRunClient
	if !likely && !askOnly {
		_, err := b.Kube.CoreV1().Secrets(namespace).Create(ctx, p.newSecret(""), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: p.options.FieldManager})
		if err == nil {
			return nil
		}
		if !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("create secret/%s in namespace %s: %w", name, namespace, err)
		}
	}
	existing, err := b.Kube.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) && askOnly {
		return nil
	}
	if apierrors.IsNotFound(err) {
		return b.trySecret(ctx, p, false)
	}
	if err != nil {
		return fmt.Errorf("read secret/%s in namespace %s: %w", name, namespace, err)
	}
	return p.adopt(existing)
}

// adopt makes a Secret that is there the binding's, if its marks say so. Only the password and the generation are taken from it: whoever
// may write Secrets can forge the rest, and the role's own comment decides about the role.
func (p *plan) adopt(existing *corev1.Secret) error {
	marks, marked := credentials.MarksOf(existing)
	if !marked || marks.ID != p.binding.Owner.ID {
		return errTaken
	}
	c, complete := credentials.Of(existing)
	p.use(slot{name: existing.Name, generation: marks.Generation, existing: existing})
	if !complete || c.Username != p.binding.Role {
		return fmt.Errorf("secret/%s in namespace %s carries this binding's marks but not its credentials: delete it and run the command again", existing.Name, existing.Namespace)
	}
	p.password = c.Password
	return nil
}

func (p *plan) use(s slot) {
	p.secret = s
	p.binding.Role = credentials.RoleName(p.binding.Owner.ID, s.generation)
}

// marks are those of the binding's Secret.
func (p *plan) marks() credentials.Marks {
	return credentials.Marks{
		ID: p.binding.Owner.ID, Run: p.binding.Owner.Run, Workload: p.workload.String(), Database: p.options.Database,
		Postgres: p.options.Postgres.String(), PostgresNamespace: p.options.Postgres.Namespace, Location: p.database.Location,
		Access: string(p.options.Level), Schemas: p.options.Schemas, Isolated: p.options.Isolated, AccessRole: p.binding.Access.Role(),
		Role: p.binding.Role, Generation: p.secret.generation, Choices: p.options.choices(),
	}
}

func (p *plan) secretName() types.NamespacedName {
	return types.NamespacedName{Namespace: p.workload.Namespace(), Name: p.secret.name}
}

// newSecret builds the binding's Secret.
func (p *plan) newSecret(host string) *corev1.Secret {
	return credentials.NewSecret(p.secretName(), p.marks(), credentials.Credentials{Host: host, Username: p.binding.Role, Password: p.password})
}

// secret writes the Secret, unless it is there.
func (b *Binder) secret(ctx context.Context, p *plan, host string, undo *undoStack) error {
	if p.secret.existing != nil {
		return b.remark(ctx, p)
	}
	created, err := b.createSecret(ctx, p, host)
	if created != nil {
		undo.push(b.deleteSecret(created))
		p.secret.created = true
	}
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	// Another run took the name meanwhile. If it was for this binding, its password is the one that counts.
	if err := b.chooseSecret(ctx, p); err != nil {
		return err
	}
	if p.secret.existing != nil {
		if _, err := p.roles.Bind(ctx, p.binding, p.login(true)); err != nil {
			return b.inDatabase(p, err)
		}
	}
	return b.secret(ctx, p, host, undo)
}

// written is the binding as it is printed and kept in files.
func (p *plan) written() *v1alpha1.Binding {
	written := p.marks().Written(p.secretName())
	if p.result != nil {
		written.Status.Host, written.Status.Verified = p.result.Host, &p.result.Verified
	}
	return written
}

// createSecret returns the new Secret, also beside an error: when the connection broke, the API server may have made it all the same.
func (b *Binder) createSecret(ctx context.Context, p *plan, host string) (*corev1.Secret, error) {
	secrets := b.Kube.CoreV1().Secrets(p.workload.Namespace())
	created, err := secrets.Create(ctx, p.newSecret(host), metav1.CreateOptions{FieldManager: p.options.FieldManager})
	if err == nil {
		return created, nil
	}
	err = fmt.Errorf("create secret/%s in namespace %s: %w", p.secret.name, p.workload.Namespace(), err)
	if status := apierrors.APIStatus(nil); errors.As(err, &status) {
		return nil, err
	}
	later, cancel := afterEnd(ctx)
	defer cancel()
	found, readErr := secrets.Get(later, p.secret.name, metav1.GetOptions{})
	if readErr != nil {
		return nil, err
	}
	if marks, ok := credentials.MarksOf(found); !ok || marks.Run != p.binding.Owner.Run {
		return nil, err
	}
	if ctx.Err() != nil {
		return found, err
	}
	return found, nil
}

// deleteSecret takes back a Secret that this run made, and no later one of its name.
func (b *Binder) deleteSecret(created *corev1.Secret) undoStep {
	return undoStep{
		what: "secret/" + created.Name,
		how:  fmt.Sprintf("kubectl delete secret -n %s %s", created.Namespace, created.Name),
		do: func(ctx context.Context) error {
			options := metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &created.UID}}
			err := b.Kube.CoreV1().Secrets(created.Namespace).Delete(ctx, created.Name, options)
			if apierrors.IsNotFound(err) {
				return nil
			}
			return err
		},
	}
}
