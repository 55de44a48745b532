package bind

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

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
	extended   bool           // by this run
}

// outcome is the verb of the Secret's result.
func (s slot) outcome() string {
	if s.extended {
		return "configured"
	}
	return outcome(s.created, "created")
}

// errTaken says that a Secret of that name belongs to something else.
var errTaken = errors.New("it exists and is not this binding's")

// chooseSecret finds the binding's Secret, or a name that is free for it, and takes over the password of one that is there. A free
// name is asked for by a dry run, so that what would refuse a Secret refuses it now.
func (b *Binder) chooseSecret(ctx context.Context, p *plan) error {
	remembered, generation := p.remembered()
	if err := p.keepUsername(); err != nil {
		return err
	}
	if remembered != "" && p.options.Secret != "" && remembered != p.options.Secret {
		return fmt.Errorf("%s has this binding already, by secret/%s: leave out --secret, or unbind it first", p.workload, remembered)
	}
	p.use(slot{name: cmp.Or(p.options.Secret, remembered, credentials.FirstSecretName), generation: generation})
	err := b.trySecret(ctx, p, remembered != "")
	if errors.Is(err, errTaken) && p.options.Secret == "" {
		if remembered != "" {
			p.lost = append(p.lost, remembered)
		}
		return b.chooseAgain(ctx, p)
	}
	return p.refuseTaken(err)
}

// chooseAgain chooses the Secret once there is reason to believe that other Secrets are in the way, or that another run has made this
// binding's. It looks at all Secrets of the namespace at once, since there may be many.
func (b *Binder) chooseAgain(ctx context.Context, p *plan) error {
	if remembered, _ := p.remembered(); remembered != "" {
		return b.chooseSecret(ctx, p)
	}
	name, present, err := b.search(ctx, p)
	if err != nil {
		return err
	}
	if p.options.Secret != "" && name != p.options.Secret {
		return fmt.Errorf("secret/%s in namespace %s is of this binding already: choose it with --secret, or delete it", name, p.workload.Namespace())
	}
	p.use(slot{name: name, generation: p.secret.generation})
	if !present {
		return nil
	}
	existing, err := b.readSecret(ctx, p)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return p.refuseTaken(p.adopt(existing))
}

// remembered is the Secret that the workload's annotation names for this binding, and the generation to make if that Secret is gone:
// the next one, since Pods still run with the last one's password.
func (p *plan) remembered() (name string, generation int) {
	annotations, generation := credentials.AnnotationsOf(p.workload.Annotations()), 1
	for _, secret := range slices.Sorted(maps.Keys(annotations)) {
		a := annotations[secret]
		if a.ID != p.binding.Owner.ID {
			continue
		}
		generation = a.Generation + 1
		if !slices.Contains(p.lost, secret) {
			return secret, generation
		}
	}
	return "", generation
}

// noted says whether the workload refers to the planned Secret already.
func (p *plan) noted() bool {
	a := credentials.AnnotationsOf(p.workload.Annotations())[p.secret.name]
	return a.ID == p.binding.Owner.ID && a.Generation == p.secret.generation
}

// trySecret takes the planned name for the binding's Secret: it is free (asked by a dry run), or the Secret is this binding's already.
// likely says that it is expected to be there.
func (b *Binder) trySecret(ctx context.Context, p *plan, likely bool) error {
	askOnly := p.options.DryRun == DryRunClient
	if !likely && !askOnly {
		err := b.tryCreate(ctx, p)
		switch {
		case err == nil:
			return nil
		case !apierrors.IsAlreadyExists(err):
			return fmt.Errorf("create secret/%s in namespace %s: %w", p.secret.name, p.workload.Namespace(), err)
		case p.options.Secret == "":
			return errTaken // whose it is turns up in the search for the next name
		}
	}
	existing, err := b.readSecret(ctx, p)
	switch {
	case apierrors.IsNotFound(err) && askOnly:
		return nil
	case apierrors.IsNotFound(err):
		return b.trySecret(ctx, p, false)
	case err != nil:
		return err
	}
	return p.adopt(existing)
}

// tryCreate asks the API server whether it would take the Secret; of several names that are known to be free, for one of them.
func (b *Binder) tryCreate(ctx context.Context, p *plan) error {
	ask := func() error {
		options := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: p.options.FieldManager}
		_, err := b.Kube.CoreV1().Secrets(p.workload.Namespace()).Create(ctx, p.newSecret(""), options)
		return err
	}
	if !p.options.SecretFree {
		return ask()
	}
	return b.Trials.once("secrets in "+p.workload.Namespace(), ask)
}

// readSecret reads the Secret of the planned name.
func (b *Binder) readSecret(ctx context.Context, p *plan) (*corev1.Secret, error) {
	secret, err := b.Kube.CoreV1().Secrets(p.workload.Namespace()).Get(ctx, p.secret.name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("read secret/%s in namespace %s: %w", p.secret.name, p.workload.Namespace(), err)
	}
	return secret, nil
}

// refuseTaken tells the way out where the planned name is somebody else's.
func (p *plan) refuseTaken(err error) error {
	if !errors.Is(err, errTaken) {
		return err
	}
	return fmt.Errorf("secret/%s in namespace %s: %w: choose another name with --secret", p.secret.name, p.workload.Namespace(), err)
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
	if chosen := p.options.Login.Password; chosen != "" && chosen != c.Password {
		return fmt.Errorf("secret/%s in namespace %s holds another password than --password-from gives: leave the option out, or give the user a new password with kubectl pgbind rotate", existing.Name, existing.Namespace)
	}
	p.password = c.Password
	return nil
}

func (p *plan) use(s slot) {
	p.secret = s
	p.binding.Role = cmp.Or(p.options.Login.Username, credentials.RoleName(p.binding.Owner.ID, s.generation))
}

// marks are those of the binding's Secret.
func (p *plan) marks() credentials.Marks {
	return credentials.Marks{
		ID: p.binding.Owner.ID, Run: p.binding.Owner.Run, Workload: p.workload.String(), Database: p.options.Database,
		Postgres: p.options.Postgres.String(), PostgresNamespace: p.options.Postgres.Namespace, Location: p.database.Location,
		Access: string(p.options.Level), Schemas: p.options.Schemas, Isolated: p.options.Isolated,
		Role: p.binding.Role, Generation: p.secret.generation, Expires: p.binding.Expires, Choices: p.options.choices(),
	}
}

func (p *plan) secretName() types.NamespacedName {
	return types.NamespacedName{Namespace: p.workload.Namespace(), Name: p.secret.name}
}

// newSecret builds the binding's Secret.
func (p *plan) newSecret(host string) *corev1.Secret {
	return credentials.NewSecret(p.secretName(), p.marks(), p.credentials(host), p.options.Keys.Keys...)
}

// written is the binding as it is printed and kept in files.
func (p *plan) written() *v1alpha1.Binding {
	written := p.marks().Written(p.secretName())
	if p.result != nil {
		written.Status.Host, written.Status.Verified = p.result.Host, &p.result.Verified
	}
	return written
}
