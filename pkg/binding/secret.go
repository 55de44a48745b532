package binding

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
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/credentials"
)

// errTaken says that a Secret of that name belongs to something else.
var errTaken = errors.New("it exists and is not this binding's")

// chooseSecret finds the binding's Secret, or a name that is free for it, and takes over the password of one that is there. A free
// name is asked for by a dry run, so that what would refuse a Secret refuses it now.
func (r *run) chooseSecret(ctx context.Context, i *Item, p *Plan) error {
	remembered, generation := p.remembered()
	if err := p.keepUsername(); err != nil {
		return err
	}
	if i.accepted { // the workload refers to it already
		p.use(slot{name: i.plan.secret.name, generation: i.plan.secret.generation})
		return p.refuseTaken(r.trySecret(ctx, p, true))
	}
	chosen := p.options.Secret
	if remembered != "" && chosen != "" && remembered != chosen {
		return fmt.Errorf("%s has this binding already, by secret/%s: leave out --secret, or unbind it first", p.workload, remembered)
	}
	p.use(slot{name: cmp.Or(chosen, remembered, i.assigned, credentials.FirstSecretName), generation: generation})
	if remembered == "" && (i.observed || !r.claim(i, p.secret.name)) {
		return r.searchSecret(ctx, i, p)
	}
	if i.assigned == p.secret.name {
		return nil // it is free, and asked for with others
	}
	err := r.trySecret(ctx, p, remembered != "")
	if errors.Is(err, errTaken) && chosen == "" {
		if remembered != "" {
			p.lost = append(p.lost, remembered)
			return r.chooseSecret(ctx, i, p)
		}
		return r.searchSecret(ctx, i, p)
	}
	return p.refuseTaken(err)
}

// searchSecret chooses the Secret once there is reason to believe that other Secrets are in the way, or that another run has made this
// binding's. It looks at all Secrets of the namespace at once, since there may be many.
func (r *run) searchSecret(ctx context.Context, i *Item, p *Plan) error {
	name, present, err := r.search(ctx, i, p)
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
	existing, err := r.readSecret(ctx, p)
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
func (p *Plan) remembered() (name string, generation int) {
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
func (p *Plan) noted() bool {
	a := credentials.AnnotationsOf(p.workload.Annotations())[p.secret.name]
	return a.ID == p.binding.Owner.ID && a.Generation == p.secret.generation
}

// trySecret takes the planned name for the binding's Secret: it is free (asked by a dry run), or the Secret is this binding's already.
// likely says that it is expected to be there.
func (r *run) trySecret(ctx context.Context, p *Plan, likely bool) error {
	askOnly := p.options.DryRun == cmdutil.DryRunClient
	if !likely && !askOnly {
		err := r.tryCreate(ctx, p)
		switch {
		case err == nil:
			return nil
		case !apierrors.IsAlreadyExists(err):
			return fmt.Errorf("create secret/%s in namespace %s: %w", p.secret.name, p.workload.Namespace(), err)
		case p.options.Secret == "":
			return errTaken // whose it is turns up in the search for the next name
		}
	}
	existing, err := r.readSecret(ctx, p)
	switch {
	case apierrors.IsNotFound(err) && askOnly:
		return nil
	case apierrors.IsNotFound(err):
		return r.trySecret(ctx, p, false)
	case err != nil:
		return err
	}
	return p.adopt(existing)
}

// tryCreate asks the API server whether it would take the Secret.
func (r *run) tryCreate(ctx context.Context, p *Plan) error {
	options := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: p.options.FieldManager}
	_, err := r.Kube.CoreV1().Secrets(p.workload.Namespace()).Create(ctx, p.newSecret(verified{}), options)
	return err
}

// readSecret reads the Secret of the planned name.
func (r *run) readSecret(ctx context.Context, p *Plan) (*corev1.Secret, error) {
	secret, err := r.Kube.CoreV1().Secrets(p.workload.Namespace()).Get(ctx, p.secret.name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("read secret/%s in namespace %s: %w", p.secret.name, p.workload.Namespace(), err)
	}
	return secret, nil
}

// refuseTaken tells the way out where the planned name is somebody else's.
func (p *Plan) refuseTaken(err error) error {
	if !errors.Is(err, errTaken) {
		return err
	}
	return fmt.Errorf("secret/%s in namespace %s: %w: choose another name with --secret", p.secret.name, p.workload.Namespace(), err)
}

// adopt makes a Secret that is there the binding's, if its marks say so. Only the password and the generation are taken from it: whoever
// may write Secrets can forge the rest, and the role's own comment decides about the role.
func (p *Plan) adopt(existing *corev1.Secret) error {
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

func (p *Plan) use(s slot) {
	p.secret = s
	p.binding.Role = cmp.Or(p.options.Login.Username, credentials.RoleName(p.binding.Owner.ID, s.generation))
}

// marks are those of the binding's Secret.
func (p *Plan) marks() credentials.Marks {
	return credentials.Marks{
		ID: p.binding.Owner.ID, Run: p.binding.Owner.Run, Workload: p.workload.String(), Database: p.options.Database,
		Postgres: p.options.Postgres.String(), PostgresNamespace: p.options.Postgres.Namespace, Location: p.database.Location,
		Access: string(p.options.Level), Schemas: p.options.Schemas, Isolated: p.options.Isolated,
		Role: p.binding.Role, Generation: p.secret.generation, Expires: p.binding.Expires, Choices: p.options.choices(),
	}
}

func (p *Plan) secretName() types.NamespacedName {
	return types.NamespacedName{Namespace: p.workload.Namespace(), Name: p.secret.name}
}

// newSecret builds the binding's Secret.
func (p *Plan) newSecret(login verified) *corev1.Secret {
	return credentials.NewSecret(p.secretName(), p.marks(), p.credentials(login), p.options.Keys.Keys...)
}
