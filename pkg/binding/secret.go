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

	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/postgres"
	"github.com/kubectl-pgbind/kubectl-pgbind/pkg/secret"
)

// errTaken reports that a Secret of that name belongs to something else.
var errTaken = errors.New("it exists and does not belong to this binding")

// chooseSecret finds the binding's Secret, or a free name for it. It continues with the password of an existing Secret.
// A new one is sent as a dry run, so that a refusal comes before the first write.
func (r *run) chooseSecret(ctx context.Context, i *Item, p *Plan) error {
	remembered, note := p.remembered()
	p.keep(note.BindingSpec)
	if err := p.keepUsername(); err != nil {
		return err
	}
	if i.accepted { // the workload references it already
		p.use(plannedSecret{name: i.plan.secret.name, generation: i.plan.secret.generation})
		return refuseTaken(p.secretName(), r.checkSecretName(ctx, p, true))
	}
	if found, err := r.adoptLogin(ctx, i, p, remembered); found || err != nil {
		return err
	}
	chosen := p.spec.Secret
	if remembered != "" && chosen != "" && remembered != chosen {
		return fmt.Errorf("%s has this binding already, by secret/%s: leave out --secret, or unbind it first", p.workload, remembered)
	}
	p.use(plannedSecret{name: cmp.Or(chosen, remembered, i.assigned, i.defaultNames()[0]), generation: note.Generation + 1})
	if remembered == "" && (i.observed || !r.reserve(i, p.secret.name)) {
		return r.searchSecret(ctx, i, p)
	}
	if i.assigned == p.secret.name {
		return nil // it is free, and tryAll sends it with others
	}
	err := r.checkSecretName(ctx, p, remembered != "")
	if errors.Is(err, errTaken) && chosen == "" {
		if remembered != "" {
			p.staleSecrets = append(p.staleSecrets, remembered)
			return r.chooseSecret(ctx, i, p)
		}
		return r.searchSecret(ctx, i, p)
	}
	return refuseTaken(p.secretName(), err)
}

// searchSecret chooses the Secret if other Secrets seem to have the first names, or if another run seems to have created this binding's. It
// lists all Secrets of the namespace, because there can be many.
func (r *run) searchSecret(ctx context.Context, i *Item, p *Plan) error {
	name, present, err := r.search(ctx, i, p)
	if err != nil {
		return err
	}
	if p.spec.Secret != "" && name != p.spec.Secret {
		return fmt.Errorf(
			"secret/%s in namespace %s belongs to this binding already: choose it with --secret, or delete it", name,
			p.workload.Namespace(),
		)
	}
	p.use(plannedSecret{name: name, generation: p.secret.generation})
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
	return refuseTaken(p.secretName(), p.adopt(existing))
}

// remembered returns the Secret that the workload's annotation names for this binding, and the annotation. If that Secret is gone, the next
// generation is created, because Pods still use the last one's password.
func (p *Plan) remembered() (name string, note secret.Marks) {
	annotations := secret.AnnotationsOf(p.workload.Annotations())
	for _, secret := range slices.Sorted(maps.Keys(annotations)) {
		a, lost := annotations[secret], slices.Contains(p.staleSecrets, secret)
		switch {
		case !lost && (a.ID == p.id || p.mayContinue(secret, a)):
			return secret, a
		case a.ID == p.id:
			note = a
		}
	}
	return "", note
}

// owns reports whether a Secret with these marks is this binding's: it has the binding's id, or it is of an earlier
// workload of the same name with the same database. Two workloads of a kind cannot have the same name, so that the
// earlier one is gone. As with the id, the role's own comment decides about the role.
func (p *Plan) owns(marks secret.Marks) bool {
	return marks.ID == p.role.Owner.ID ||
		marks.Workload == p.workload.String() && p.isFor(marks)
}

// isFor reports whether a binding with these marks is for the same database, and both or neither are of an owner container.
func (p *Plan) isFor(marks secret.Marks) bool {
	return marks.Location == p.endpoint.Location && marks.DBName == p.spec.DBName && marks.IsOwner() == p.spec.IsOwner()
}

// continueAs continues the binding of an earlier workload, under its id.
func (p *Plan) continueAs(id string) {
	p.recreated = id != p.id
	p.role.Owner.ID, p.role.Access = id, access(p.spec, id)
}

// noted reports whether the workload has the annotation of the planned Secret already.
func (p *Plan) noted() bool {
	a := secret.AnnotationsOf(p.workload.Annotations())[p.secret.name]
	return a.ID == p.role.Owner.ID && a.Generation == p.secret.generation
}

// checkSecretName uses the planned name for the binding's Secret: either the name is free, which a dry run shows, or the
// Secret is this binding's. likely means that the Secret probably exists.
func (r *run) checkSecretName(ctx context.Context, p *Plan, likely bool) error {
	askOnly := p.options.DryRun == cmdutil.DryRunClient
	if !likely && !askOnly {
		err := r.dryRunCreate(ctx, p)
		switch {
		case err == nil:
			return nil
		case !apierrors.IsAlreadyExists(err):
			return fmt.Errorf("create secret/%s in namespace %s: %w", p.secret.name, p.workload.Namespace(), err)
		case p.spec.Secret == "":
			return errTaken // the search for the next name finds out whose it is
		}
	}
	existing, err := r.readSecret(ctx, p)
	switch {
	case apierrors.IsNotFound(err) && askOnly:
		return nil
	case apierrors.IsNotFound(err):
		return r.checkSecretName(ctx, p, false)
	case err != nil:
		return err
	}
	return p.adopt(existing)
}

// dryRunCreate sends the Secret as a dry run.
func (r *run) dryRunCreate(ctx context.Context, p *Plan) error {
	options := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: p.manager()}
	wanted, err := p.newSecret(p.expected())
	if err != nil {
		return err
	}
	_, err = r.Kube.CoreV1().Secrets(p.workload.Namespace()).Create(ctx, wanted, options)
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

// mayContinue reports whether an annotation can be of an earlier workload of the same name. The annotation can also be a copy of another
// workload's, so that the Secret decides.
func (p *Plan) mayContinue(name string, a secret.Marks) bool {
	return p.isFor(a) && (p.spec.Secret == "" || p.spec.Secret == name) &&
		(a.Workload == "" || a.Workload == p.workload.String())
}

// refuseTaken adds to errTaken the name of the Secret and what to do.
func refuseTaken(name types.NamespacedName, err error) error {
	if !errors.Is(err, errTaken) {
		return err
	}
	return fmt.Errorf("secret/%s in namespace %s: %w: choose another name with --secret", name.Name, name.Namespace, err)
}

// adopt uses an existing Secret if its metadata names this binding. It trusts only the password and the generation: everyone who can write
// Secrets can forge the rest, and the role's own comment decides about the role.
func (p *Plan) adopt(existing *corev1.Secret) error {
	marks, marked := secret.MarksOf(existing)
	if !marked || !p.owns(marks) {
		return errTaken
	}
	p.continueAs(marks.ID)
	c, complete := secret.Of(existing)
	if marks.Adopted && p.spec.Username == "" && marks.Role != secret.RoleName(marks.ID, marks.Generation) &&
		postgres.CheckRoleName(marks.Role) == nil {
		p.spec.Username = marks.Role
	}
	p.use(plannedSecret{name: existing.Name, generation: marks.Generation, existing: existing})
	p.keep(marks.BindingSpec)
	if !complete || c.Username != p.role.Name {
		return fmt.Errorf(
			"secret/%s in namespace %s has this binding's metadata but not its login: delete it and run the command again",
			existing.Name, existing.Namespace,
		)
	}
	if chosen := p.options.Values.Password; chosen != "" && chosen != c.Password {
		return fmt.Errorf(
			"secret/%s in namespace %s holds another password than --password-from: leave the flag out, or change the password with kubectl pgbind rotate",
			existing.Name,
			existing.Namespace,
		)
	}
	p.password, p.completesAdoption = c.Password, marks.Adopted && p.options.Adopt
	return nil
}

// use plans the Secret, and with it the login role.
func (p *Plan) use(s plannedSecret) {
	p.secret = s
	p.role.Name = cmp.Or(p.spec.Username, secret.RoleName(p.role.Owner.ID, s.generation))
}

// secretName returns the name of the planned Secret.
func (p *Plan) secretName() types.NamespacedName {
	return types.NamespacedName{Namespace: p.workload.Namespace(), Name: p.secret.name}
}
